// TLS 1.3 by Go's crypto/tls, as common.py's OwnPeer runs it. Go does not let SUITE be chosen.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"reflect"
)

var groups = map[string]tls.CurveID{"x25519": tls.X25519, "secp256r1": tls.CurveP256, "secp384r1": tls.CurveP384}

func account(state tls.ConnectionState) string {
	version := "other"
	if state.Version == tls.VersionTLS13 {
		version = "TLSv1.3"
	}
	group := "null" // before Go 1.25 it is not told
	if field := reflect.ValueOf(state).FieldByName("CurveID"); field.IsValid() {
		for name, id := range groups {
			if uint64(id) == field.Uint() {
				group = `"` + name + `"`
			}
		}
	}
	return fmt.Sprintf("account {\"version\": %q, \"suite\": %q, \"group\": %s}\n", version, tls.CipherSuiteName(state.CipherSuite), group)
}

func client(port, ca, group, path string) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	connection, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, ServerName: "localhost",
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{groups[group]}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(account(connection.ConnectionState()))
	fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
	if _, err := io.Copy(os.Stdout, connection); err != nil {
		log.Fatal(err)
	}
}

func server(port, cert, key, group string) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:"+port, &tls.Config{Certificates: []tls.Certificate{pair},
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{groups[group]}})
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		answer(connection)
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	for in := bufio.NewReader(connection); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			log.Print(err)
			return
		}
		if line == "\r\n" {
			break
		}
	}
	page := account(connection.(*tls.Conn).ConnectionState())
	fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(page), page)
}

func main() {
	if os.Args[1] == "client" {
		client(os.Args[2], os.Args[3], os.Args[5], os.Args[6])
	} else {
		server(os.Args[2], os.Args[3], os.Args[4], os.Args[6])
	}
}
