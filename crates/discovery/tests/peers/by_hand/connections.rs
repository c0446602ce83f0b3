//! How targets are asked: addresses, times, credentials, certificates.

use super::{Hand, Maker, key, object, pod, service};
use serde_json::{Value, json};

pub(super) fn clusters(make: &Maker<'_>) -> Vec<Hand> {
    let none = || json!({});
    let both = |endpoint: Value| vec![service(endpoint.clone()), pod(endpoint)];
    let ca = || json!({"ca": {"secret": key("ca.crt")}, "serverName": "x.svc"});
    let in_monitoring = |endpoint: Value| {
        vec![object(
            "ServiceMonitor",
            "monitoring",
            "s",
            json!({"selector": {}, "namespaceSelector": {"any": true}, "endpoints": [endpoint]}),
        )]
    };
    const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    vec![
        ("path, parameters, times", &["1.2 scalars/path", "1.2 scalars/params", "1.2 scalars/interval", "1.2 scalars/timeout", "1.2 scalars/scheme-in-capitals"], make.cluster(none(), both(json!({"path": "/a b?c=d", "params": {"match[]": ["{x=\"y\"}", "z"], "n": []}, "interval": "7s", "scrapeTimeout": "3s", "scheme": "HTTPS"})))),
        ("timeout of the Prometheus above the interval of a monitor", &["1.6/timeout"], make.cluster(json!({"scrapeInterval": "1m", "scrapeTimeout": "40s"}), both(json!({"interval": "20s"})))),
        ("timeout above interval", &["1.2 scalars/timeout-above-interval"], make.cluster(none(), both(json!({"interval": "5s", "scrapeTimeout": "6s"})))),
        ("honest about labels and times", &["1.2 scalars/honor-labels", "1.2 scalars/honor-timestamps", "1.2 scalars/timestamps-staleness"], make.cluster(none(), both(json!({"honorLabels": true, "honorTimestamps": false, "trackTimestampsStaleness": true})))),
        ("not believed about labels and times", &["1.2 scalars/override-honor-labels", "1.2 scalars/override-honor-timestamps"], make.cluster(json!({"overrideHonorLabels": true, "overrideHonorTimestamps": true}), both(json!({"honorLabels": true, "honorTimestamps": true})))),
        ("no redirects, no HTTP/2", &["1.2 scalars/follow-redirects", "1.2 scalars/http2"], make.cluster(none(), both(json!({"followRedirects": false, "enableHttp2": false})))),
        ("basic", &["1.2 scalars/basic", "1.8/basic"], make.cluster(none(), both(json!({"basicAuth": {"username": key("user"), "password": key("password")}})))),
        ("authorization of an own kind", &["1.8/authorization-own-type"], make.cluster(none(), both(json!({"authorization": {"type": "Custom", "credentials": key("token")}})))),
        ("authorization that is basic", &["1.8/authorization-basic-is-refused"], make.cluster(none(), both(json!({"authorization": {"type": "Basic", "credentials": key("token")}})))),
        ("token of a Secret", &["1.2 scalars/token-secret", "1.8/token-of-secret"], make.cluster(none(), both(json!({"bearerTokenSecret": key("token")})))),
        ("token of a file", &["1.2 scalars/token-file", "1.8/files"], make.cluster(none(), in_monitoring(json!({"port": "http", "bearerTokenFile": TOKEN, "tlsConfig": {"caFile": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"}})))),
        ("token of a file in another namespace", &["1.8/files"], make.cluster(none(), vec![service(json!({"bearerTokenFile": TOKEN}))])),
        ("token of a file is denied", &["1.8/files-denied"], make.cluster(json!({"arbitraryFSAccessThroughSMs": {"deny": true}}), in_monitoring(json!({"bearerTokenFile": TOKEN})))),
        ("authority of a file is denied", &["1.8/files-denied"], make.cluster(json!({"arbitraryFSAccessThroughSMs": {"deny": true}}), in_monitoring(json!({"tlsConfig": {"caFile": "/ca"}})))),
        ("certificate of a file is denied", &["1.8/files-denied"], make.cluster(json!({"arbitraryFSAccessThroughSMs": {"deny": true}}), in_monitoring(json!({"tlsConfig": {"certFile": "/c", "keyFile": "/k"}})))),
        ("key of a file is denied", &["1.8/files-denied"], make.cluster(json!({"arbitraryFSAccessThroughSMs": {"deny": true}}), in_monitoring(json!({"tlsConfig": {"keyFile": "/k"}})))),
        ("OAuth 2", &["1.8/oauth2-secret", "1.8/oauth2-client-in-config-map", "1.8/oauth2-tls"], make.cluster(none(), both(json!({"oauth2": {"clientId": {"configMap": {"name": "public", "key": "client"}}, "clientSecret": key("password"), "tokenUrl": "http://t", "scopes": ["a"], "tlsConfig": ca()}})))),
        ("an authority of a Secret", &["1.8/authority-in-secret", "1.8/server-name"], make.cluster(none(), both(json!({"scheme": "https", "tlsConfig": ca()})))),
        ("an authority of a ConfigMap", &["1.8/authority-in-config-map"], make.cluster(none(), both(json!({"scheme": "https", "tlsConfig": {"ca": {"configMap": {"name": "public", "key": "ca.crt"}}, "minVersion": "TLS12", "maxVersion": "TLS13"}})))),
        ("a certificate of one's own", &["1.8/certificate-and-key"], make.cluster(none(), both(json!({"scheme": "https", "tlsConfig": {"cert": {"secret": key("tls.crt")}, "keySecret": key("tls.key")}})))),
        ("whatever certificate", &["1.8/insecure"], make.cluster(none(), both(json!({"scheme": "https", "tlsConfig": {"insecureSkipVerify": true}})))),
        ("an authority that is none, by kind", &["1.8/authority-is-none"], make.cluster(none(), vec![object("Probe", "apps", "b", json!({"prober": {"url": "x"}, "targets": {"staticConfig": {"static": ["a"]}}, "tlsConfig": {"ca": {"secret": key("not-pem")}}})), pod(json!({"tlsConfig": {"ca": {"secret": key("not-pem")}}}))])),
        ("an authority that is a key's text", &["1.8/authority-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"ca": {"secret": key("user")}}})))),
        ("an authority that is none for a ServiceMonitor", &["1.8/authority-is-none"], make.cluster(none(), vec![service(json!({"tlsConfig": {"ca": {"secret": key("token")}}}))])),
        ("a pair that is switched", &["1.8/pair-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"cert": {"secret": key("tls.key")}, "keySecret": key("tls.crt")}})))),
        ("a pair of other texts", &["1.8/pair-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"cert": {"secret": key("user")}, "keySecret": key("password")}})))),
        ("a pair whose key is none", &["1.8/pair-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"cert": {"secret": key("tls.crt")}, "keySecret": key("not-pem")}})))),
        ("a pair whose certificate is none", &["1.8/pair-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"cert": {"secret": key("not-pem")}, "keySecret": key("tls.key")}})))),
        ("a proxy with headers for a PodMonitor", &["1.8/proxy-headers"], make.cluster(none(), vec![pod(json!({"proxyUrl": "http://p", "proxyConnectHeader": {"Y": [key("user")]}}))])),
        ("a proxy with headers for ScrapeConfigs", &["1.8/proxy-headers"], make.cluster(none(), vec![object("ScrapeConfig", "apps", "c", json!({"proxyUrl": "http://p", "proxyConnectHeader": {"Y": [key("user")]}, "staticConfigs": [{"targets": ["a:1"]}]}))])),
        ("an authority that is none", &["1.8/authority-is-none"], make.cluster(none(), both(json!({"tlsConfig": {"ca": {"secret": key("not-pem")}}})))),
        ("a key without a certificate", &["1.8/key-without-certificate"], make.cluster(none(), both(json!({"tlsConfig": {"keySecret": key("tls.key")}})))),
        ("a Secret of another namespace", &["1.8/secret-absent"], make.cluster(none(), both(json!({"basicAuth": {"username": {"name": "only-in-db", "key": "user"}, "password": key("password")}})))),
        ("a key that is not in the Secret", &["1.8/key-absent"], make.cluster(none(), both(json!({"bearerTokenSecret": key("none")})))),
        ("two ways at once", &["1.8/several-ways-are-refused"], make.cluster(none(), both(json!({"basicAuth": {"username": key("user"), "password": key("password")}, "authorization": {"credentials": key("token")}})))),
        ("a proxy", &["1.2 scalars/proxy", "1.2 scalars/no-proxy", "1.8/proxy-headers"], make.cluster(none(), both(json!({"proxyUrl": "http://proxy:3128", "noProxy": "a.b", "proxyConnectHeader": {"X": [key("token")]}})))),
        ("a proxy with headers for each kind", &["1.8/proxy-headers"], make.cluster(none(), vec![object("Probe", "apps", "b", json!({"prober": {"url": "x", "proxyUrl": "http://p", "proxyConnectHeader": {"X": [key("token")]}}, "targets": {"staticConfig": {"static": ["a"]}}})), service(json!({"proxyUrl": "http://p", "proxyConnectHeader": {"Y": [key("user")]}}))])),
        ("a proxy with several headers", &["1.8/proxy-headers"], make.cluster(none(), both(json!({"proxyUrl": "http://proxy:3128", "proxyConnectHeader": {"A": [key("user"), key("token")], "B": [key("password")]}})))),
        ("API server without its Secret", &["1.8/api-server-credentials-absent"], make.cluster(json!({"apiserverConfig": {"host": "https://k8s", "authorization": {"credentials": {"name": "no", "key": "k"}}}}), both(json!({})))),
        ("API server without its key", &["1.8/api-server-credentials-absent"], make.cluster(json!({"apiserverConfig": {"host": "https://k8s", "authorization": {"credentials": key("no")}}}), both(json!({})))),
        ("API server with basic as authorization", &["1.8/api-server-credentials-absent"], make.cluster(json!({"apiserverConfig": {"host": "https://k8s", "authorization": {"type": "Basic", "credentials": key("token")}}}), both(json!({})))),
        ("API server without its authority", &["1.8/api-server-credentials-absent"], make.cluster(json!({"apiserverConfig": {"host": "https://k8s", "tlsConfig": {"ca": {"secret": key("no")}}}}), both(json!({})))),
    ]
}
