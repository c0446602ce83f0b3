//! No credential stands in an error, in a debug text or in what a client shows of itself.

use crate::pki::Pki;
use crate::rig::{Rig, get, written};
use crate::server::{Server, answer};

const CANARY: &str = "hunter2canary";

#[tokio::test]
async fn a_canary_is_seen_nowhere() {
    let refusing = Server::plain(|_| answer("401 Unauthorized", "", "")).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configs = [
        format!("basic_auth: {{username: u, password: {CANARY}}}"),
        format!("authorization: {{credentials: \"{CANARY}\\n\"}}"),
        format!("authorization: {{credentials: {CANARY}}}"),
        format!("bearer_token: {CANARY}"),
        format!("http_headers: {{X: {{secrets: [\"{CANARY}\\r\\n\"]}}}}"),
        format!("http_headers: {{'X Y': {{secrets: [{CANARY}]}}}}"),
        format!("proxy_url: 'http://u:{CANARY}@{free}'"),
        format!("proxy_url: 'ftp://u:{CANARY}@{free}'"),
        format!("proxy_url: 'http://{free}'\nproxy_connect_header: {{X: [{CANARY}]}}"),
        format!("oauth2: {{client_id: a, client_secret: {CANARY}, token_url: '{}'}}", refusing.http("/")),
        format!("oauth2: {{client_id: a, client_secret: {CANARY}, token_url: 'http://{free}'}}"),
        format!(
            "oauth2: {{client_id: a, client_certificate_key: {CANARY}, token_url: 'http://{free}', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'}}"
        ),
    ];
    let rig = Rig::new();
    let mut said = String::new();
    for keys in &configs {
        let config = written(keys);
        said += &format!("{config:?}\n");
        let client = rig.client(&config).unwrap();
        for url in
            [refusing.http("/"), format!("http://u:{CANARY}@{free}/"), format!("https://u:{CANARY}@{free}/")]
        {
            let result = get(&client, &url).await;
            said += &format!("{result:?}\n");
            if let Err(e) = result {
                said += &format!("{e}\n");
            }
        }
    }
    let key = Pki::new("x").leaf("x", &["x"]);
    let tls = written(&format!("tls_config: {{cert: '{}', key: {CANARY}}}", key.cert.replace('\n', "\n\n")));
    said += &rig.client(&tls).map(|_| ()).unwrap_err();
    assert!(said.lines().count() > 70 && !said.contains(CANARY), "{said}");
}
