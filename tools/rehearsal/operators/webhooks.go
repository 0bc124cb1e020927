package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// endpoint is where the API server of a rehearsal finds webhooks: a port of this machine, with a certificate of its own.
type endpoint struct {
	port        int
	folder      string
	certificate []byte
}

// newEndpoint takes a free port and writes a certificate into a new folder.
func newEndpoint() (*endpoint, error) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := probe.Addr().(*net.TCPAddr).Port
	if err := probe.Close(); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "webhooks of a rehearsal"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "webhooks-")
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
	for name, content := range map[string][]byte{"tls.crt": certificate, "tls.key": private} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return &endpoint{port, folder, certificate}, nil
}

// registration returns what tells the API server of the webhooks once they answer, as config/webhook of LeaderWorkerSet does.
func (e *endpoint) registration(to client.Client, server webhook.Server) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		for server.StartedChecker()(nil) != nil {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(50 * time.Millisecond):
			}
		}
		const set = "leaderworkerset-x-k8s-io-v1-leaderworkerset"
		create, update := admission.Create, admission.Update
		mutating := &admission.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "lws-mutating-webhook-configuration"},
			Webhooks: []admission.MutatingWebhook{
				{Name: "mleaderworkerset.kb.io", ClientConfig: e.config("/mutate-" + set), Rules: setRules(create, update)},
				{Name: "mpod.kb.io", ClientConfig: e.config("/mutate--v1-pod"), Rules: podRules(create)},
			},
		}
		validating := &admission.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "lws-validating-webhook-configuration"},
			Webhooks: []admission.ValidatingWebhook{
				{Name: "vleaderworkerset.kb.io", ClientConfig: e.config("/validate-" + set), Rules: setRules(create, update)},
			},
		}
		none, fail := admission.SideEffectClassNone, admission.Fail
		for i := range mutating.Webhooks {
			each := &mutating.Webhooks[i]
			each.SideEffects, each.FailurePolicy, each.AdmissionReviewVersions = &none, &fail, []string{"v1"}
		}
		for i := range validating.Webhooks {
			each := &validating.Webhooks[i]
			each.SideEffects, each.FailurePolicy, each.AdmissionReviewVersions = &none, &fail, []string{"v1"}
		}
		if err := to.Create(ctx, mutating); err != nil {
			return err
		}
		return to.Create(ctx, validating)
	})
}

func (e *endpoint) config(path string) admission.WebhookClientConfig {
	url := fmt.Sprintf("https://127.0.0.1:%d%s", e.port, path)
	return admission.WebhookClientConfig{URL: &url, CABundle: e.certificate}
}

func setRules(operations ...admission.OperationType) []admission.RuleWithOperations {
	return rules("leaderworkerset.x-k8s.io", "leaderworkersets", operations)
}

func podRules(operations ...admission.OperationType) []admission.RuleWithOperations {
	return rules("", "pods", operations)
}

func rules(group, resource string, operations []admission.OperationType) []admission.RuleWithOperations {
	rule := admission.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{resource}}
	return []admission.RuleWithOperations{{Operations: operations, Rule: rule}}
}
