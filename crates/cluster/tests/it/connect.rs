//! Ways to a server: kubeconfigs, credentials, and what is said when one of them does not lead there.

use crate::scripted::{Asked, Reply, Server, status};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tortie_cluster::client::ConnectClass;
use tortie_cluster::{Cluster, ConnectError, ConnectOptions};

async fn plain() -> Server {
    Server::start(|_: &Asked| Reply::Json(200, Value::Null)).await
}

async fn refused(options: &ConnectOptions) -> ConnectError {
    match Cluster::connect(options).await {
        Ok((_, identity)) => panic!("connected: {identity:?}"),
        Err(e) => {
            assert!(e.hint.is_some(), "what to do is not said: {e}");
            e
        }
    }
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn script(folder: &TempDir, name: &str, text: &str) -> String {
    let path = file(folder, name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// A kubeconfig whose server is `server`.
fn leading_to(folder: &TempDir, server: &str) -> ConnectOptions {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: s3cret-t0ken}}}}]\n"
    );
    ConnectOptions {
        kubeconfig: Some(file(folder, "config", &text)),
        request_timeout: Duration::from_millis(400),
        ..ConnectOptions::default()
    }
}

#[tokio::test]
async fn identity_and_impersonation() {
    let server = plain().await;
    let (_, identity) = Cluster::connect(&server.options()).await.unwrap();
    assert_eq!(
        (identity.context.as_str(), identity.user.as_str(), identity.namespace.as_str(), identity.contexts),
        ("test", "u", "ns", 2)
    );
    assert_eq!(identity.server, server.address);
    let options = ConnectOptions {
        impersonate: Some("jane".to_owned()),
        groups: vec!["dev".to_owned(), "ops".to_owned()],
        ..server.options()
    };
    let (_, identity) = Cluster::connect(&options).await.unwrap();
    assert_eq!(identity.user, "jane");
    let probe = server.probes().pop().unwrap();
    assert_eq!(probe.headers["impersonate-user"], "jane");
    assert_eq!(probe.headers.get_all("impersonate-group").iter().collect::<Vec<_>>(), ["dev", "ops"]);
    assert_eq!(probe.headers["user-agent"], concat!("tortie/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn kubeconfigs_that_lead_nowhere() {
    let server = plain().await;
    let folder = TempDir::new().unwrap();
    let other = |options: ConnectOptions| async move { refused(&options).await };
    let e = other(ConnectOptions { context: Some("prod".to_owned()), ..server.options() }).await;
    assert_eq!(
        (e.class, e.message.as_str()),
        (ConnectClass::NoContext, "the kubeconfig has no context \"prod\"")
    );
    assert_eq!(e.hint.as_deref(), Some("its contexts are: test, other"));
    let e = other(ConnectOptions { context: Some("other".to_owned()), ..server.options() }).await;
    assert_eq!(
        (e.class, e.message.as_str()),
        (ConnectClass::NoContext, "the kubeconfig has no cluster \"gone\"")
    );
    let e = other(ConnectOptions { user: Some("nobody".to_owned()), ..server.options() }).await;
    assert_eq!(
        (e.class, e.message.as_str()),
        (ConnectClass::NoContext, "the kubeconfig has no user \"nobody\"")
    );
    let e =
        other(ConnectOptions { kubeconfig: Some(folder.path().join("none")), ..ConnectOptions::default() })
            .await;
    assert_eq!(e.class, ConnectClass::NoKubeconfig, "{e}");
    let damaged =
        file(&folder, "damaged", "apiVersion: v1\nusers:\n- name: u\n  user: {token: s3cret-t0ken\n");
    let e = other(ConnectOptions { kubeconfig: Some(damaged), ..ConnectOptions::default() }).await;
    assert_eq!(e.class, ConnectClass::BadKubeconfig, "{e}");
    assert!(
        e.message.starts_with("the kubeconfig /") && e.message.contains("/damaged is damaged (line "),
        "{e}"
    );
    assert!(!format!("{e}{e:?}").contains("s3cret"), "{e:?}");
    let empty = file(&folder, "empty", "apiVersion: v1\nkind: Config\n");
    let e = other(ConnectOptions { kubeconfig: Some(empty), ..ConnectOptions::default() }).await;
    assert_eq!(
        (e.class, e.message.as_str()),
        (ConnectClass::NoContext, "the kubeconfig has no current context")
    );
}

#[tokio::test]
async fn addresses_that_lead_nowhere() {
    let folder = TempDir::new().unwrap();
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let e = refused(&leading_to(&folder, &format!("https://{free}"))).await;
    assert_eq!(e.class, ConnectClass::Tcp, "{e}");
    assert!(e.message.starts_with(&format!("https://{free} cannot be reached: ")), "{e}");
    let e = refused(&leading_to(&folder, "https://nowhere.invalid:6443")).await;
    assert!(matches!(e.class, ConnectClass::Dns | ConnectClass::Timeout), "{e}");
    // Somebody who takes the connection and never says a word.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let e = refused(&leading_to(&folder, &format!("http://{}", mute.local_addr().unwrap()))).await;
    assert_eq!(e.class, ConnectClass::Timeout, "{e}");
    let e = refused(&leading_to(&folder, &format!("https://{}", mute.local_addr().unwrap()))).await;
    assert_eq!(e.class, ConnectClass::Timeout, "{e}");
    // No TLS where TLS is expected.
    let server = plain().await;
    let e = refused(&leading_to(&folder, &server.address.replace("http:", "https:"))).await;
    assert_eq!(e.class, ConnectClass::Tls, "{e}");
    assert!(!format!("{e:?}").contains("s3cret"));
}

#[tokio::test]
async fn servers_that_say_no() {
    async fn check(answer: fn() -> Reply, class: ConnectClass, message: &str) {
        let server = Server::start(move |_: &Asked| answer()).await;
        let e = refused(&server.options()).await;
        assert_eq!((e.class, e.message.replace(&server.address, "S")), (class, message.to_owned()));
    }
    check(
        || status(401, "Unauthorized", "Unauthorized", &Value::Null),
        ConnectClass::Unauthorized,
        "S does not accept the credentials of u",
    )
    .await;
    check(
        || Reply::Text(200, "<html>router</html>".to_owned()),
        ConnectClass::NotKubernetes,
        "what answers at S is no Kubernetes API server",
    )
    .await;
    check(
        || Reply::Json(200, json!({"version": 1})),
        ConnectClass::NotKubernetes,
        "what answers at S is no Kubernetes API server",
    )
    .await;
    check(
        || Reply::Text(404, "nothing here".to_owned()),
        ConnectClass::NotKubernetes,
        "what answers at S is no Kubernetes API server",
    )
    .await;
    check(
        || status(403, "Forbidden", "users \"jane\" is forbidden: User \"u\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope", &Value::Null),
        ConnectClass::Other,
        "u has no right to act as u",
    )
    .await;
}

#[tokio::test]
async fn a_closed_version_is_no_reason_to_give_up() {
    let server = Server::start(|_: &Asked| {
        status(403, "Forbidden", "forbidden: User \"u\" cannot get path \"/version\"", &Value::Null)
    })
    .await;
    assert!(Cluster::connect(&server.options()).await.is_ok());
}

#[tokio::test]
async fn programs_that_give_credentials() {
    let server = plain().await;
    let folder = TempDir::new().unwrap();
    let run = async |text: &str, name: &str| {
        let program = script(&folder, name, text);
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: \"{program}\", args: [--secret, s3cret]}}}}"
        );
        let options = ConnectOptions {
            kubeconfig: Some(server.kubeconfig(&user)),
            exec_timeout: Duration::from_secs(20),
            ..ConnectOptions::default()
        };
        Cluster::connect(&options).await.map(|_| ())
    };
    let good = "#!/bin/sh\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"from-plugin\"}}'\n";
    run(good, "good").await.unwrap();
    assert_eq!(server.probes().pop().unwrap().headers["authorization"], "Bearer from-plugin");
    for (name, text, says) in [
        (
            "fails",
            "#!/bin/sh\necho s3cret-out\necho s3cret-err >&2\nexit 7\n",
            "which gives the credentials, failed (exit status: 7)",
        ),
        ("babbles", "#!/bin/sh\necho 's3cret: [not json'\n", "printed is no ExecCredential"),
        ("empty", "#!/bin/sh\necho '{}'\n", "printed is no ExecCredential"),
    ] {
        let e = run(text, name).await.unwrap_err();
        assert_eq!(e.class, ConnectClass::ExecPlugin, "{e}");
        assert!(e.message.contains(says), "{name}: {e}");
        assert!(!format!("{e}{e:?}").contains("s3cret"), "{e:?}");
    }
    let user =
        "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /none/such}}";
    let e =
        refused(&ConnectOptions { kubeconfig: Some(server.kubeconfig(user)), ..ConnectOptions::default() })
            .await;
    assert!(e.class == ConnectClass::ExecPlugin && e.message.contains("cannot be started"), "{e}");
    // One that waits for a person who is not there. It reads a pipe that is never written to.
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let hangs = script(&folder, "hangs", &format!("#!/bin/sh\nread line < {pipe}\n"));
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: \"{hangs}\"}}}}"
    );
    let options = ConnectOptions {
        kubeconfig: Some(server.kubeconfig(&user)),
        exec_timeout: Duration::from_millis(300),
        ..ConnectOptions::default()
    };
    let e = refused(&options).await;
    assert!(e.class == ConnectClass::ExecPlugin && e.message.contains("took longer"), "{e}");
    // Lets the program end.
    std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
}

#[tokio::test]
async fn damaged_credentials_are_told_and_not_shown() {
    async fn check(user: &str, class: ConnectClass, message: &str) {
        let server = plain().await;
        // A certificate is read when the server is one of TLS.
        let text = std::fs::read_to_string(server.kubeconfig(user)).unwrap();
        let folder = TempDir::new().unwrap();
        let path = file(&folder, "config", &text.replace("http://", "https://"));
        let e = refused(&ConnectOptions { kubeconfig: Some(path), ..ConnectOptions::default() }).await;
        assert_eq!((e.class, e.message.contains(message)), (class, true), "{user}: {e}");
        assert!(!format!("{e:?}").contains("czNjcmV0") && !format!("{e:?}").contains("s3cret"), "{e:?}");
    }
    let broken = "{client-certificate-data: \"czNjcmV0\", client-key-data: \"czNjcmV0\"}";
    check(broken, ConnectClass::Credentials, "cannot be used").await;
    let gone = "{client-certificate: /none/cert.pem, client-key: /none/key.pem}";
    check(gone, ConnectClass::Credentials, "").await;
    check("{tokenFile: /none/token}", ConnectClass::Credentials, "the token file /none/token cannot be read")
        .await;
    check("{token: \"s3cret\\n\"}", ConnectClass::Credentials, "characters that cannot be sent").await;
}

/// The proxy of a cluster: it must be asked for a tunnel to the server, and nothing else.
#[test]
fn a_proxy_is_asked_for_a_tunnel() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8(head).unwrap()
    });
    let folder = TempDir::new().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{{name: c, cluster: {{server: \"https://api.example:6443\", proxy-url: \"http://{proxy}\"}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: s3cret}}}}]\n"
    );
    let options =
        ConnectOptions { kubeconfig: Some(file(&folder, "config", &text)), ..ConnectOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let e = runtime.block_on(refused(&options));
    assert_eq!(e.class, ConnectClass::Proxy, "{e}");
    let head = thread.join().unwrap();
    assert!(head.starts_with("CONNECT api.example:6443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("s3cret"), "{head}");
}
