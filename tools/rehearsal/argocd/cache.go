package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"
)

// tick is how often keys are looked at for having outlived their time, which miniredis leaves to its caller.
const tick = time.Second

// cache returns the command that serves the Redis protocol from memory until it is told to end.
func cache() *cobra.Command {
	var address string
	command := &cobra.Command{
		Use:   "cache",
		Short: "Serve the Redis protocol from memory",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			server := miniredis.NewMiniRedis()
			server.RequireAuth(os.Getenv("REDIS_PASSWORD"))
			if err := server.StartAddr(address); err != nil {
				return err
			}
			defer server.Close()
			ended := make(chan os.Signal, 1)
			signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
			ticker := time.NewTicker(tick)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					server.FastForward(tick)
				case <-ended:
					return nil
				}
			}
		},
	}
	command.Flags().StringVar(&address, "address", "127.0.0.1:0", "address and port to listen on")
	return command
}
