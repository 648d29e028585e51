//! Pages of other servers that may ask (CORS): which they are, and what a browser is told so that it lets them. Knows no
//! path.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use url::Url;

use crate::access::Access;
use crate::error::ServerError;

/// How long a browser need not ask again whether it may send a request, in seconds.
const KEPT: &str = "600";

impl Access {
    /// The origin of the page for which a browser sends a request, if pages of it may ask.
    pub fn other_page(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(header::ORIGIN).filter(|origin| self.allows(origin)).cloned()
    }

    /// The answer to a browser that asks whether a page may send a request, where it may. It shows no token then, and
    /// asks nothing else.
    pub fn preflight<B>(&self, request: &Request<B>) -> Option<Response> {
        let headers = request.headers();
        let method = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let (Some(method), &Method::OPTIONS) = (method, request.method()) else { return None };
        self.other_page(headers)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let told = response.headers_mut();
        told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        // Clients send some of their own.
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        told.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(KEPT));
        Some(response)
    }

    /// Whether pages of an origin may ask, wherever they come from.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        let is_it = |known: &String| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        self.allowed_origins.iter().any(is_it)
    }

    /// Refuses origins that no browser names.
    pub(crate) fn check_origins(&self) -> Result<(), ServerError> {
        let wrong = |origin: &&String| named_so(origin).is_none_or(|named| !named.eq_ignore_ascii_case(origin));
        let wrong = self.allowed_origins.iter().find(wrong);
        wrong.map_or(Ok(()), |origin| Err(ServerError::Origin { origin: origin.clone(), named: named_so(origin) }))
    }
}

/// Lets the page of an origin read an answer.
pub fn share_with(origin: HeaderValue, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The origin of an address as browsers name it, if it has one.
fn named_so(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    url.host_str().map(|host| format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(origins: &[&str]) -> Access {
        Access { allowed_origins: origins.iter().map(|&origin| origin.to_owned()).collect(), ..Access::default() }
    }

    fn request(method: &str, headers: &[(header::HeaderName, &str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method.parse().unwrap();
        request.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())));
        request
    }

    #[test]
    fn pages_of_origins_that_are_named_may_ask_and_no_others() {
        let access = access(&["http://localhost:3000", "https://app.example"]);
        let admit = |origins: &[&str]| {
            let origins = origins.iter().map(|origin| (header::ORIGIN, *origin));
            let headers: Vec<_> = origins.chain([(header::HOST, "127.0.0.1:8000")]).collect();
            access.admit(&request("POST", &headers))
        };
        for allowed in ["http://localhost:3000", "https://App.example", "http://127.0.0.1:8000"] {
            assert_eq!(admit(&[allowed]), Ok(()), "{allowed}");
        }
        for other in ["http://localhost:3001", "https://localhost:3000", "http://app.example", "null"] {
            assert!(admit(&[other]).is_err() && admit(&["https://app.example", other]).is_err(), "{other}");
        }
        let elsewhere = [(header::ORIGIN, "https://app.example"), (header::HOST, "evil.example")];
        assert!(access.admit(&request("POST", &elsewhere)).is_err(), "the host that is asked must be this one");
    }

    #[test]
    fn a_browser_that_asks_first_is_told_what_it_may_send() {
        let asks = |method: &str, origin: &str| {
            let wants = (header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
            let names = (header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,x-stainless-os");
            access(&["https://app.example"]).preflight(&request(method, &[(header::ORIGIN, origin), wants, names]))
        };
        let told = asks("OPTIONS", "https://app.example").unwrap();
        let header = |name: header::HeaderName| told.headers()[name].to_str().unwrap();
        assert_eq!(told.status(), StatusCode::NO_CONTENT);
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_METHODS), "POST");
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_HEADERS), "authorization,x-stainless-os");
        assert!(asks("OPTIONS", "https://evil.example").is_none() && asks("POST", "https://app.example").is_none());
    }

    #[test]
    fn an_origin_is_written_as_browsers_name_it() {
        for right in ["http://localhost:3000", "https://app.example", "http://[::1]:80", "chrome-extension://abcdef"] {
            let named = access(&[right]).addresses(0).map_err(|error| error.to_string());
            assert_eq!(named.is_ok(), right != "http://[::1]:80", "{right}: {named:?}");
        }
        for (wrong, words) in [
            ("*", "--allow-origin"),
            ("null", "--allow-origin"),
            ("", "--allow-origin"),
            ("app.example", "--allow-origin"),
            ("https://app.example/", "`https://app.example`"),
            ("https://app.example:443", "`https://app.example`"),
        ] {
            let error = access(&[wrong]).addresses(0).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains(words), "{error}");
        }
    }
}
