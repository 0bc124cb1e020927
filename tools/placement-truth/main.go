// Command placement-truth answers where Karpenter would put pods, by Karpenter's own provisioner.
//
// It reads one JSON object per line: first the instance types, then one case per line. For each case it prints one line.
// Nothing is started and no cloud is asked: the API server is controller-runtime's fake client, instance types are
// resolved from DescribeInstanceTypes records by the AWS provider's own code, and offerings are those of the case.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"k8s.io/klog/v2"
)

// Facts is the first line of the input.
type Facts struct {
	Region string                      `json:"region"`
	Types  []ec2types.InstanceTypeInfo `json:"types"`
}

func main() {
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "placement-truth:", err)
		os.Exit(1)
	}
}

func serve(input io.Reader, output io.Writer) error {
	lines := bufio.NewReaderSize(input, 1<<20)
	decoder := json.NewDecoder(lines)
	var facts Facts
	if err := decoder.Decode(&facts); err != nil {
		return fmt.Errorf("reading the instance types: %w", err)
	}
	encoder := json.NewEncoder(output)
	for number := 1; ; number++ {
		var one Case
		if err := decoder.Decode(&one); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading case %d: %w", number, err)
		}
		verdict, err := one.solve(context.Background(), facts)
		if err != nil {
			return fmt.Errorf("case %d: %w", number, err)
		}
		if err := encoder.Encode(verdict); err != nil {
			return err
		}
	}
}
