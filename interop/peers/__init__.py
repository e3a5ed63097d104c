"""Other people's TLS: one module a peer, each a subclass of common.Peer."""

from . import chromium, curl, gnutls, go, java, mbedtls, node, nss, openssl, python_ssl, wolfssl

ALL = [
    openssl.OpenSsl(), openssl.OpenSslFiles(), gnutls.GnuTls(), curl.Curl(), nss.Nss(), wolfssl.WolfSsl(), python_ssl.PythonSsl(),
    java.Java(), node.Node(), go.Go(), chromium.Chromium(), mbedtls.MbedTls(),
]
