//! The keys that open the server: those that open all of it, and those that open one profile.

use actix_web::http::header::{self, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::config::Http;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// All keys, as their hashes.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    hash: [u8; 32],
    profile: Option<String>,
}

/// A key that a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// Which of them.
    pub(super) index: u32,
    /// The profile that it opens; `None`: any.
    pub(super) profile: Option<&'a str>,
}

impl Keys {
    pub(super) fn new(http: &Http) -> Keys {
        let of = |key: &String, profile| Key { hash: Sha256::digest(key).into(), profile };
        let open = http.keys.iter().map(|key| of(key, None));
        let bound = http.profile_keys.iter().map(|key| of(&key.key, Some(key.profile.clone())));
        Keys(open.chain(bound).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the headers have a key, whatever it is worth.
    pub(super) fn any(headers: &HeaderMap) -> bool {
        headers.contains_key(header::AUTHORIZATION) || headers.contains_key(API_KEY)
    }

    /// The key that the headers have, where it is one of these. Hashes of one length are compared, all of them, so the
    /// time tells nothing of a key.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Known<'_>> {
        let bearer = text(headers, &header::AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
        });
        let given: [u8; 32] = Sha256::digest(bearer.or_else(|| text(headers, &API_KEY))?).into();
        let (mut found, mut index) = (Choice::from(0), 0);
        for (at, key) in (0_u32..).zip(&self.0) {
            let same = key.hash.ct_eq(&given);
            index.conditional_assign(&at, same);
            found |= same;
        }
        let key = self.0.get(index as usize).filter(|_| found.into())?;
        Some(Known { index, profile: key.profile.as_deref() })
    }
}

/// A header's value.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::config::ProfileKey;

    #[test]
    fn each_key_is_told_from_the_others() {
        let bound = ProfileKey { key: "three".into(), profile: "p".into() };
        let http =
            Http { keys: vec!["one".into(), "two".into()], profile_keys: vec![bound], ..Http::default() };
        let keys = Keys::new(&http);
        for (key, expected) in [
            ("one", Some((0, None))),
            ("two", Some((1, None))),
            ("three", Some((2, Some("p")))),
            ("thre", None),
            ("", None),
        ] {
            let headers = [(API_KEY, HeaderValue::from_str(key).unwrap())].into_iter().collect();
            assert_eq!(keys.find(&headers).map(|k| (k.index, k.profile)), expected, "{key}");
        }
        assert_eq!(keys.find(&HeaderMap::new()), None);
    }
}
