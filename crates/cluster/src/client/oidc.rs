//! Renewing the token of a kubeconfig's `auth-provider: oidc`, as kubectl does: with the authority that the kubeconfig names
//! for the provider, and with or without a secret of the client.
//!
//! The new token is used and not kept: the kubeconfig is not written to. A provider that gives each refresh token only once
//! wants a login after that, which is logged.

use super::error::{ConnectClass, ConnectError};
use super::request::read_all;
use super::{chain, expiry};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode, Uri, header};
use jiff::Timestamp;
use kube::client::Body;
use kube::config::{AuthInfo, AuthProviderConfig};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;
use tortie_host::{Fs, RealFs};

/// A token that ends within this time is renewed.
const SOON: i64 = 10;
/// Longest answer of a provider in bytes.
const MOST: usize = 1 << 20;

/// Renews the token of an OIDC user when it is over, and puts it in the provider's place.
///
/// # Errors
/// Of class [`ConnectClass::Oidc`], when it is over and cannot be renewed. Holds no credential.
pub(super) async fn renew(
    auth: &mut AuthInfo,
    now: Timestamp,
    limit: Duration,
    proxy: impl Fn(&Uri) -> Result<Option<Uri>, ConnectError>,
) -> Result<(), ConnectError> {
    let Some(provider) = auth.auth_provider.as_ref().filter(|p| p.name == "oidc") else { return Ok(()) };
    let old = value(provider, "id-token");
    let until = old.and_then(expiry::of_token);
    if until.is_some_and(|u| u.as_second() > now.as_second() + SOON) {
        return Ok(());
    }
    let state = match (old, until) {
        (None, _) => "the kubeconfig has no OIDC token".to_owned(),
        (Some(_), None) => "the OIDC token of the kubeconfig does not say until when it is good".to_owned(),
        (Some(_), Some(until)) => format!("the OIDC token expired at {until}"),
    };
    let failed =
        |why: &str| ConnectError::new(ConnectClass::Oidc, format!("{state} and {why}")).hint("log in again");
    let (Some(refresh), Some(issuer)) = (value(provider, "refresh-token"), value(provider, "idp-issuer-url"))
    else {
        return Err(failed("the kubeconfig has no refresh-token to renew it with"));
    };
    let authorities = authorities(provider).map_err(|why| failed(&why))?;
    let exchange = Exchange { authorities, limit, proxy };
    let metadata: Metadata = exchange
        .json(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')), None)
        .await
        .map_err(|e| failed(&e.words(issuer)))?;
    let client = value(provider, "client-id").unwrap_or_default();
    let secret = value(provider, "client-secret");
    // RFC 6749, 2.3.1: a secret goes into the header first; some providers take it in the body alone.
    let mut last = None;
    for basic in [true, false].into_iter().filter(|b| !*b || secret.is_some()) {
        let form = Form { client, secret, refresh, basic };
        match exchange.json::<Tokens>(&metadata.token_endpoint, Some(&form)).await {
            Ok(tokens) => {
                let Some(token) = tokens.id_token else {
                    return Err(failed(&format!("{issuer} answers without an id_token")));
                };
                if tokens.refresh_token.is_some_and(|r| r != refresh) {
                    tracing::warn!(
                        issuer,
                        "the provider gave another refresh token, which is not kept (hint: log in again when kubectl asks)"
                    );
                }
                auth.auth_provider = None;
                auth.token = Some(token.into());
                return Ok(());
            }
            Err(e) => last = Some(e),
        }
    }
    Err(failed(&last.map_or_else(String::new, |e| e.words(issuer))))
}

fn value<'a>(provider: &'a AuthProviderConfig, key: &str) -> Option<&'a str> {
    provider.config.get(key).map(String::as_str).filter(|v| !v.is_empty())
}

/// The authorities that the kubeconfig names for the provider, as DER; `None` for the system's.
fn authorities(provider: &AuthProviderConfig) -> Result<Option<Vec<Vec<u8>>>, String> {
    let unusable = "idp-certificate-authority of the kubeconfig cannot be used".to_owned();
    let pem = match (
        value(provider, "idp-certificate-authority-data"),
        value(provider, "idp-certificate-authority"),
    ) {
        (Some(data), _) => STANDARD.decode(data.trim()).map_err(|_| unusable.clone())?,
        (None, Some(path)) => {
            RealFs.read(Path::new(path)).map_err(|e| format!("{path} cannot be read: {e}"))?
        }
        (None, None) => return Ok(None),
    };
    let text = String::from_utf8(pem).map_err(|_| unusable.clone())?;
    let mut all = Vec::new();
    for part in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = part.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let body: String = body.split_whitespace().collect();
        all.push(STANDARD.decode(body).map_err(|_| unusable.clone())?);
    }
    if all.is_empty() { Err(unusable) } else { Ok(Some(all)) }
}

#[derive(Deserialize)]
struct Metadata {
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    refresh_token: Option<String>,
}

/// RFC 6749, 5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

struct Form<'a> {
    client: &'a str,
    secret: Option<&'a str>,
    refresh: &'a str,
    /// Whether client and secret go into the header.
    basic: bool,
}

impl Form<'_> {
    fn body(&self) -> String {
        let mut out = "grant_type=refresh_token".to_owned();
        let mut add = |key: &str, value: &str| {
            out.push('&');
            out.push_str(key);
            out.push('=');
            super::request::escape(&mut out, value);
        };
        add("refresh_token", self.refresh);
        if !self.basic {
            add("client_id", self.client);
            if let Some(secret) = self.secret {
                add("client_secret", secret);
            }
        }
        out
    }

    fn authorization(&self) -> Option<String> {
        let pair = format!("{}:{}", self.client, self.secret?);
        self.basic.then(|| format!("Basic {}", STANDARD.encode(pair)))
    }
}

enum Failure {
    Connection(ConnectError),
    Silent,
    Status(StatusCode, Option<String>),
    Malformed,
}

impl Failure {
    fn words(&self, issuer: &str) -> String {
        match self {
            Failure::Connection(e) => format!("its provider cannot be asked: {}", e.message),
            Failure::Silent => format!("{issuer} does not answer"),
            Failure::Status(status, None) => {
                format!("{issuer} does not renew it: status {}", status.as_u16())
            }
            Failure::Status(status, Some(code)) => {
                format!("{issuer} does not renew it: status {}, {code}", status.as_u16())
            }
            Failure::Malformed => format!("what {issuer} answers is not OpenID Connect"),
        }
    }
}

struct Exchange<P> {
    authorities: Option<Vec<Vec<u8>>>,
    limit: Duration,
    proxy: P,
}

impl<P: Fn(&Uri) -> Result<Option<Uri>, ConnectError>> Exchange<P> {
    /// The JSON at an address, asked for with GET, or POST of a form.
    async fn json<T: for<'de> Deserialize<'de>>(
        &self,
        address: &str,
        form: Option<&Form<'_>>,
    ) -> Result<T, Failure> {
        let uri: Uri = address.parse().map_err(|_| Failure::Malformed)?;
        // A refresh token is nothing to send in the clear.
        if uri.scheme_str() != Some("https") {
            let message = format!("{address} is no https address");
            return Err(Failure::Connection(ConnectError::new(ConnectClass::Oidc, message)));
        }
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let origin: Uri = format!("https://{authority}").parse().map_err(|_| Failure::Malformed)?;
        let mut config = kube::Config::new(origin);
        config.root_cert.clone_from(&self.authorities);
        config.connect_timeout = Some(self.limit);
        config.default_retry = false;
        config.proxy_url = (self.proxy)(&uri).map_err(Failure::Connection)?;
        let unreachable = |e: &kube::Error| Failure::Connection(chain::connect_error(e, &authority));
        let client = kube::Client::try_from(config).map_err(|e| unreachable(&e))?;
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        let mut request = Request::builder().uri(path).header(header::ACCEPT, "application/json");
        let body = match form {
            None => Body::empty(),
            Some(form) => {
                request = request
                    .method(Method::POST)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                if let Some(authorization) = form.authorization() {
                    request = request.header(header::AUTHORIZATION, authorization);
                }
                Body::from(form.body().into_bytes())
            }
        };
        let request = request.body(body).map_err(|_| Failure::Malformed)?;
        let exchange = async {
            let response = client.send(request).await.map_err(|e| unreachable(&e))?;
            let (parts, body) = response.into_parts();
            let bytes = read_all(body, MOST).await.ok_or(Failure::Malformed)?;
            Ok((parts.status, bytes))
        };
        let (status, bytes) = timeout(self.limit, exchange).await.map_err(|_| Failure::Silent)??;
        if !status.is_success() {
            let code = serde_json::from_slice::<Refused>(&bytes).ok().map(|r| r.error);
            // Nothing else of the answer is shown, for it may repeat what was sent.
            let plain = |c: &String| c.len() < 60 && c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            return Err(Failure::Status(status, code.filter(plain)));
        }
        serde_json::from_slice(&bytes).map_err(|_| Failure::Malformed)
    }
}
