//! State that leaves the server and comes back: encrypted and authenticated (XChaCha20-Poly1305), so nobody else can
//! read, make or change one. The key is one that this process made at random and never shows, or one that all replicas
//! were given, so that each of them can go on where another one asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

/// The longest sealed state that is looked at, in bytes: what the longest state of a program and the longest arguments
/// that forms gave come to, encoded.
const LIMIT: usize = 512 * 1024;

/// Bytes of a nonce; random ones of this length don't meet.
const NONCE: usize = 24;

/// What keys are made for, so that a secret that is used elsewhere too gives another key there.
const PURPOSE: &[u8] = b"smcp request state 1: ";

/// Seals and opens.
pub(in crate::mcp) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// With a new key.
    ///
    /// # Panics
    /// Where the system has no random numbers, without which nothing could be kept secret.
    pub(in crate::mcp) fn new() -> Sealer {
        Sealer(XChaCha20Poly1305::new(&Key::<XChaCha20Poly1305>::generate()))
    }

    /// With a key made of a secret, the same wherever that is known.
    pub(in crate::mcp) fn of(secret: &str) -> Sealer {
        let key: [u8; 32] = Sha256::new().chain_update(PURPOSE).chain_update(secret).finalize().into();
        Sealer(XChaCha20Poly1305::new(&key.into()))
    }

    /// Bytes as a text that only [`Sealer::open`] can read; `None` where they are too many.
    pub(super) fn seal(&self, plain: &[u8]) -> Option<String> {
        let nonce = XNonce::generate();
        let sealed = self.0.encrypt(&nonce, plain).ok()?;
        let text = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        (text.len() <= LIMIT).then_some(text)
    }

    /// The bytes that were sealed; `None` where the text is not, to the letter, one that this process made.
    pub(super) fn open(&self, text: &str) -> Option<Vec<u8>> {
        let sealed = if text.len() <= LIMIT { URL_SAFE_NO_PAD.decode(text).ok()? } else { return None };
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        self.0.decrypt(&XNonce::try_from(nonce).ok()?, sealed).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        let sealer = Sealer::new();
        let text = sealer.seal(b"state").unwrap();
        assert_eq!(sealer.open(&text).as_deref(), Some(&b"state"[..]));
        assert_ne!(sealer.seal(b"state").unwrap(), text, "one state never looks like another");
        assert_eq!(Sealer::new().open(&text), None, "another process");
        let shared = Sealer::of("a").seal(b"state").unwrap();
        assert_eq!(Sealer::of("a").open(&shared).as_deref(), Some(&b"state"[..]), "another replica");
        assert_eq!((Sealer::of("b").open(&shared), sealer.open(&shared)), (None, None));
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer.open(std::str::from_utf8(&changed).unwrap()), None, "{index}");
        }
        for foreign in ["", "x", "AAAA", &text[1..], &text[..text.len() - 4], &format!("{text}-TAMPERED")] {
            assert_eq!(sealer.open(foreign), None, "{foreign}");
        }
        assert_eq!(sealer.seal(&vec![0; LIMIT]), None);
        assert_eq!(sealer.open(&"A".repeat(LIMIT + 1)), None);
    }
}
