//! Tokens that another server hands out: asked for when needed, kept until they end.

use crate::client::{Client, Request, Response};
use crate::credential::{basic, read};
use crate::jwt;
use crate::reach::Reach;
use crate::transport::Transport;
use crate::url::Url;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tortie_config::Secret;
use tortie_config::http_client::{HttpClientConfig, JWT_BEARER, OAuth2, Source};
use tortie_host::{Clock, Fs};

/// A token is not used any more so long before it ends, milliseconds: as Go's library.
const EARLY_MS: i64 = 10_000;
/// After a failure the next request for a token waits so long, milliseconds: a thousand targets ask one server.
const AFTER_FAILURE_MS: i64 = 1_000;
/// Longest answer, bytes.
const MAX_ANSWER: usize = 1 << 20;
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The tokens of one configuration.
pub(crate) struct Tokens {
    config: OAuth2,
    url: Url,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    http: HttpClientConfig,
    reach: Option<Arc<Reach>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Made with the first request, whose User-Agent it takes.
    client: Option<Client>,
    /// What the server gave, and the secret that it was asked with.
    token: Option<(Token, Secret)>,
    failure: Option<(String, i64)>,
    style: Style,
}

/// Where a server wants the client's name and secret.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Style {
    /// Not known yet: the header first, then parameters.
    #[default]
    Unknown,
    Header,
    Parameters,
}

struct Token {
    /// Value of the Authorization header.
    header: Secret,
    /// When it ends, milliseconds; `None` for never.
    ends_ms: Option<i64>,
}

impl Tokens {
    /// Prepares; nothing is asked yet.
    ///
    /// # Errors
    /// When the URL is none, or TLS cannot be used.
    pub(crate) fn new(config: &OAuth2, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Result<Tokens, String> {
        let http = HttpClientConfig {
            tls: config.tls.clone(),
            proxy: config.proxy.clone(),
            ..HttpClientConfig::default()
        };
        // What is wrong with TLS is seen when the configuration is loaded.
        Client::new(&http, "", Arc::clone(&fs), Arc::clone(&clock))?;
        let url = Url::parse(&config.token_url).map_err(|e| format!("oauth2 token_url: {e}"))?;
        Ok(Tokens { config: config.clone(), url, fs, clock, http, reach: None, state: Mutex::default() })
    }

    /// Asks only what may be reached from now on.
    pub(crate) fn within(&mut self, reach: Arc<Reach>) {
        self.reach = Some(reach);
    }

    /// The value of the Authorization header. One asks the server at a time; others wait for its answer.
    ///
    /// # Errors
    /// Why there is no token. Neither the secret nor what the server wrote stands in it, but for its error's name.
    pub(crate) async fn authorization(&self, user_agent: &str) -> Result<String, String> {
        let is_jwt = self.config.grant_type == JWT_BEARER;
        let source = if is_jwt { &self.config.client_certificate_key } else { &self.config.client_secret };
        let mut state = self.state.lock().await;
        let secret = match (source, &state.token) {
            (Source::Inline(s), _) => s.clone(),
            _ => Secret::new(
                &read(source, &*self.fs).map_err(|e| format!("unable to read oauth2 client secret: {e}"))?,
            ),
        };
        let now = self.clock.now_ms();
        if let Some((token, asked_with)) = &state.token
            && *asked_with == secret
            && token.ends_ms.is_none_or(|ends| ends - EARLY_MS > now)
        {
            return Ok(token.header.expose().to_owned());
        }
        if let Some((reason, at)) = &state.failure
            && (0..AFTER_FAILURE_MS).contains(&(now - at))
        {
            return Err(reason.clone());
        }
        if state.client.is_none() {
            let mut transport = Transport::new(&self.http, Arc::clone(&self.fs), Arc::clone(&self.clock))?;
            if let Some(reach) = &self.reach {
                transport = transport.within(Arc::clone(reach));
            }
            state.client = Some(Client::over(Arc::new(transport), user_agent, Arc::clone(&self.clock)));
        }
        match self.ask(&mut state, &secret, is_jwt).await {
            Ok(token) => {
                let header = token.header.expose().to_owned();
                state.token = Some((token, secret));
                state.failure = None;
                Ok(header)
            }
            Err(e) => {
                state.failure = Some((e.clone(), self.clock.now_ms()));
                Err(e)
            }
        }
    }

    async fn ask(&self, state: &mut State, secret: &Secret, is_jwt: bool) -> Result<Token, String> {
        let Some(client) = &state.client else { return Err("BUG: no client for tokens".to_owned()) };
        if is_jwt {
            let assertion = jwt::assertion(&self.config, secret, self.clock.now_ms())?;
            let form = self.form(&[("grant_type", JWT_BEARER), ("assertion", &assertion)])?;
            return self.token(&self.post(client, form, None).await?);
        }
        let form = self.form(&[("grant_type", "client_credentials")])?;
        let header = basic(&escaped(&self.config.client_id), &escaped(secret.expose()));
        let with_parameters = || {
            let mut pairs = vec![("client_id", self.config.client_id.as_str())];
            if !secret.is_empty() {
                pairs.push(("client_secret", secret.expose()));
            }
            let more = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            format!("{form}&{more}")
        };
        match state.style {
            Style::Header => self.token(&self.post(client, form, Some(&header)).await?),
            Style::Parameters => self.token(&self.post(client, with_parameters(), None).await?),
            Style::Unknown => {
                if let Ok(token) = self.token(&self.post(client, form.clone(), Some(&header)).await?) {
                    state.style = Style::Header;
                    return Ok(token);
                }
                let token = self.token(&self.post(client, with_parameters(), None).await?)?;
                state.style = Style::Parameters;
                Ok(token)
            }
        }
    }

    /// The form: what the grant needs, scopes, and the configured parameters, which may replace only `grant_type`.
    fn form(&self, grant: &[(&str, &str)]) -> Result<String, String> {
        let mut pairs: Vec<(&str, String)> = grant.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        if !self.config.scopes.is_empty() {
            pairs.push(("scope", self.config.scopes.join(" ")));
        }
        for (key, value) in &self.config.endpoint_params {
            match pairs.iter_mut().find(|(k, _)| k == key) {
                Some((k, v)) if *k == "grant_type" => v.clone_from(value),
                Some(_) => return Err(format!("oauth2: cannot overwrite parameter {key:?}")),
                None => pairs.push((key, value.clone())),
            }
        }
        Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    async fn post(
        &self,
        client: &Client,
        form: String,
        authorization: Option<&str>,
    ) -> Result<Response, String> {
        let mut request = Request::post(self.url.clone(), "application/x-www-form-urlencoded", form);
        request.timeout = TIMEOUT;
        request.max_body = MAX_ANSWER;
        if let Some(value) = authorization {
            let mut value = HeaderValue::from_str(value).map_err(|e| e.to_string())?;
            value.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, value);
        }
        client.send(request).await.map_err(|e| format!("oauth2: cannot fetch token: {e}"))
    }

    fn token(&self, answer: &Response) -> Result<Token, String> {
        let kind = answer.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let fields: Option<Value> =
            if matches!(kind.as_str(), "application/x-www-form-urlencoded" | "text/plain") {
                let pairs = form_urlencoded::parse(&answer.body);
                Some(Value::Object(
                    pairs.map(|(k, v)| (k.into_owned(), Value::String(v.into_owned()))).collect(),
                ))
            } else {
                serde_json::from_slice(&answer.body).ok().filter(Value::is_object)
            };
        let text = |key: &str| {
            fields.as_ref().and_then(|f| f.get(key)?.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let error = text("error");
        if !answer.is_success() || !error.is_empty() {
            // Only what looks like one of the standard's names is repeated.
            let is_name = !error.is_empty()
                && error.len() <= 64
                && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            return Err(if is_name {
                format!("oauth2: {error:?}")
            } else {
                format!("oauth2: cannot fetch token: {}", answer.status_text())
            });
        }
        if fields.is_none() {
            return Err("oauth2: cannot parse json".to_owned());
        }
        let token = text("access_token");
        if token.is_empty() {
            return Err("oauth2: server response missing access_token".to_owned());
        }
        let seconds = fields.as_ref().and_then(|f| f.get("expires_in")).and_then(|v| match v {
            Value::String(s) => s.parse::<i64>().ok(),
            other => other.as_f64().map(|v| v as i64),
        });
        let ends_ms =
            seconds.filter(|s| *s != 0).map(|s| self.clock.now_ms().saturating_add(s.saturating_mul(1000)));
        let kind = text("token_type");
        let kind = match kind.to_ascii_lowercase().as_str() {
            "" | "bearer" => "Bearer",
            "mac" => "MAC",
            "basic" => "Basic",
            _ => &kind,
        };
        Ok(Token { header: Secret::new(&format!("{kind} {token}")), ends_ms })
    }
}

/// As Go's `url.QueryEscape`.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
