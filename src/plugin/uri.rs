//! URIs of resources (RFC 3986): names put into them, and which of them say the same.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

/// What has to be encoded wherever it stands: all but unreserved and reserved characters (sections 2.2 and 2.3) and the
/// `%` of what is encoded already.
const NOWHERE: &AsciiSet = &SEGMENT
    .remove(b'/')
    .remove(b'?')
    .remove(b'#')
    .remove(b'[')
    .remove(b']')
    .remove(b'@')
    .remove(b':')
    .remove(b'%');

/// What has to be encoded in a segment of a path and in a host's name alike: all but unreserved characters and the
/// delimiters within components (sections 3.2.2 and 3.3).
const SEGMENT: &AsciiSet = &RESERVED
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// All but unreserved characters (section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URI of something of a plugin's; `.`, `..` and empty segments of the path are resolved, since clients resolve them.
pub fn of_plugin(plugin: &str, path: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, SEGMENT).to_string();
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(encoded(name)),
        }
    }
    format!("smcp://{}/{}", encoded(plugin), segments.join("/"))
}

/// The URI of a plugin's contract.
pub fn of_contract(plugin: &str) -> String {
    of_plugin(plugin, "contract")
}

/// A URI as it is written, with what no URI may hold encoded.
pub fn encoded(uri: &str) -> String {
    utf8_percent_encode(uri, NOWHERE).to_string()
}

/// The form by which URIs are compared: clients encode what isn't, decode what needn't be (section 6.2.2).
pub fn normalized(uri: &str) -> String {
    let mut out = String::new();
    let mut rest = uri;
    while let Some(at) = rest.find('%') {
        out.push_str(&encoded(&rest[..at]));
        let is_code = |code: &&str| code.bytes().skip(1).all(|b| b.is_ascii_hexdigit());
        if let Some(code) = rest.get(at..at + 3).filter(is_code) {
            let byte: Vec<u8> = percent_decode_str(code).collect();
            out.extend(percent_encode(&byte, RESERVED));
            rest = &rest[at + 3..];
        } else {
            out.push_str("%25");
            rest = &rest[at + 1..];
        }
    }
    out + &encoded(rest)
}

/// Whether a text begins as a URI does: a scheme and a colon (section 3.1).
pub(super) fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
            && !rest.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_segment() {
        for (plugin, path, expected) in [
            ("p", "README.md", "smcp://p/README.md"),
            ("My_plugin-2.x~", "docs/a+b (1).md", "smcp://My_plugin-2.x~/docs/a+b%20(1).md"),
            ("my plugin", "a?b#c", "smcp://my%20plugin/a%3Fb%23c"),
            ("a:b@c", "x:y@z", "smcp://a%3Ab%40c/x%3Ay%40z"),
            ("<\u{1b}>,", "[50%].md", "smcp://%3C%1B%3E,/%5B50%25%5D.md"),
            ("ü", "{a}\\b", "smcp://%C3%BC/%7Ba%7D%5Cb"),
            ("p", "./docs//./a", "smcp://p/docs/a"),
            ("p", "docs/b/../../a", "smcp://p/a"),
        ] {
            assert_eq!(of_plugin(plugin, path), expected);
            assert_eq!(normalized(expected), expected, "it is normal as it is made");
        }
    }

    #[test]
    fn what_says_the_same_is_the_same() {
        let same = |a: &str, b: &str| normalized(a) == normalized(b);
        for (a, b) in [
            ("smcp://my plugin/a", "smcp://my%20plugin/a"),
            ("x://ü<", "x://%c3%bc%3c"),
            ("x://%41%7e", "x://A~"),
            ("x://100%", "x://100%25"),
            ("x://%zz%4", "x://%25zz%254"),
            ("x://%é", "x://%25%C3%A9"),
        ] {
            assert!(same(a, b), "{a} {b}: {} {}", normalized(a), normalized(b));
        }
        for (a, b) in [("x://a%2Fb", "x://a/b"), ("x://a%23b", "x://a#b"), ("x://a", "x://A")] {
            assert!(!same(a, b), "{a} {b}");
        }
        assert_eq!(encoded("x://ü<%7e/?a=[b]#c"), "x://%C3%BC%3C%7e/?a=[b]#c");
    }
}
