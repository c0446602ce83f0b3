//! A cluster that is reached through a proxy of `proxy-url`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tortie_cluster::client::ListOptions;
use tortie_cluster::{Cluster, ConnectOptions};
use tortie_testbed::Bed;

/// Takes CONNECT requests and leads them on.
async fn serve(listener: TcpListener, tunnels: Arc<AtomicUsize>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let tunnels = Arc::clone(&tunnels);
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await?);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let Some(to) = head.strip_prefix("CONNECT ").and_then(|h| h.split(' ').next()) else {
                return Err(std::io::Error::other(head));
            };
            let mut server = TcpStream::connect(to).await?;
            tunnels.fetch_add(1, Ordering::SeqCst);
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

/// Must run inside the bed's network.
pub(crate) async fn through_a_proxy(bed: &Bed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tunnels = Arc::new(AtomicUsize::new(0));
    tokio::spawn(serve(listener, Arc::clone(&tunnels)));
    let text = bed.kubectl_ok(&["config", "view", "--raw", "-o", "yaml"]).unwrap();
    let path = bed.folder().join("proxied.kubeconfig");
    std::fs::write(
        &path,
        text.replace("    server:", &format!("    proxy-url: http://{address}\n    server:")),
    )
    .unwrap();
    let options = ConnectOptions {
        kubeconfig: Some(path),
        request_timeout: Duration::from_secs(30),
        ..ConnectOptions::default()
    };
    let (cluster, _) = Cluster::connect(&options).await.unwrap();
    assert_eq!(cluster.list_nodes(&ListOptions::default()).await.unwrap().len(), bed.nodes().len());
    assert!(tunnels.load(Ordering::SeqCst) > 0);
}
