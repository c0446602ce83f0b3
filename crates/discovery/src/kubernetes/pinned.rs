//! API servers that a custom resource names: their address is looked up and judged, and then connected to as it was judged, so
//! that no spelling and no name that changes its answer leads around it.

use tokio::net::lookup_host;
use tortie_client::{Reach, Url};
use tortie_cluster::client::ServerAccess;
use tortie_config::Secret;

/// Puts the judged address into `access`; the name stays for the certificate and the `Host` header.
///
/// # Errors
/// When it has no address, or one that is out of reach.
pub(super) async fn pin(access: &mut ServerAccess, reach: &Reach) -> Result<(), String> {
    access.discreet = true;
    // Through a proxy it is the proxy that is connected to.
    if let Some(proxy) = &access.proxy {
        let pinned = pinned(proxy.expose(), reach).await?;
        access.proxy = Some(Secret::new(&pinned.url));
        return Ok(());
    }
    let pinned = pinned(&access.url, reach).await?;
    access.url = pinned.url;
    if pinned.named {
        access.server_name.get_or_insert(pinned.host);
        access.headers.push(("host".to_owned(), Secret::new(&pinned.authority)));
    }
    Ok(())
}

struct Pinned {
    /// With the address in the place of the name.
    url: String,
    host: String,
    /// Host and port as they stood there.
    authority: String,
    /// Whether the host is a name.
    named: bool,
}

async fn pinned(url: &str, reach: &Reach) -> Result<Pinned, String> {
    let parsed = Url::parse(url)?;
    let (host, port) = parsed.host_and_port()?;
    let found = lookup_host((host, port)).await.map_err(|e| format!("{host} has no address: {e}"))?;
    let peers: Vec<_> = found.collect();
    if let Some(why) = peers.iter().find_map(|p| reach.refuses(*p)) {
        return Err(why);
    }
    let Some(peer) = peers.first() else { return Err(format!("{host} has no address")) };
    let (user, path) = around(url);
    Ok(Pinned {
        url: format!("{}://{user}{peer}{path}", parsed.scheme()),
        host: host.to_owned(),
        authority: parsed.authority().to_owned(),
        named: host.parse::<std::net::IpAddr>().is_err(),
    })
}

/// What stands before the host, with its `@`, and what behind the port.
fn around(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let user = authority.rfind('@').and_then(|at| authority.get(..=at)).unwrap_or("");
    (user, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str, proxy: &str) -> ServerAccess {
        let proxy = Some(Secret::new(proxy)).filter(|p| !p.expose().is_empty());
        ServerAccess { url: url.to_owned(), proxy, ..ServerAccess::default() }
    }

    #[tokio::test]
    async fn this_machine_is_no_api_server_of_others() {
        let check = async |url: &str, proxy: &str, expect: Result<&str, &str>| {
            let mut access = access(url, proxy);
            match (pin(&mut access, &Reach::outside(vec![])).await, expect) {
                (Ok(()), Ok(url)) => assert_eq!((access.url.as_str(), access.discreet), (url, true)),
                (Err(e), Err(why)) => assert!(e.contains(why), "{url}: {e}"),
                (got, _) => panic!("{url} {proxy}: {got:?}"),
            }
        };
        check("https://192.0.2.1", "", Ok("https://192.0.2.1:443")).await;
        check("http://u:p@192.0.2.1:80/a?b", "", Ok("http://u:p@192.0.2.1:80/a?b")).await;
        check("https://[2001:db8::1]:6443/x", "", Ok("https://[2001:db8::1]:6443/x")).await;
        check("http://127.0.0.1:9090", "", Err("is a loopback address")).await;
        check("http://u@localhost:9090", "", Err("is a loopback address")).await;
        check("http://169.254.169.254/latest", "", Err("is a link-local address")).await;
        check("http://[::ffff:127.0.0.1]", "", Err("is a loopback address")).await;
        check("http://0", "", Err("is an address of this machine")).await;
        // The proxy is what is connected to.
        check("https://api.example", "http://127.0.0.1:3128", Err("is a loopback address")).await;
        check("https://api.example", "http://192.0.2.1:3128", Ok("https://api.example")).await;
    }

    #[tokio::test]
    async fn the_name_stays_for_the_certificate_and_the_host() {
        // A spelling that needs no name server, and yet is none of an address.
        let mut named = access("https://u:p@3221225985:6443/k8s", "");
        pin(&mut named, &Reach::outside(vec![])).await.unwrap();
        assert_eq!(named.url, "https://u:p@192.0.2.1:6443/k8s");
        assert_eq!(named.server_name.as_deref(), Some("3221225985"));
        let (name, host) = &named.headers[0];
        assert_eq!((name.as_str(), host.expose()), ("host", "3221225985:6443"));
        let mut literal = access("https://192.0.2.1:6443", "");
        pin(&mut literal, &Reach::outside(vec![])).await.unwrap();
        assert_eq!((literal.server_name, literal.headers.len()), (None, 0));
    }
}
