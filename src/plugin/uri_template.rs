//! URI templates of RFC 6570, level 1: text with `{variable}`s, each of which stands for a percent-encoded value.

use percent_encoding::percent_decode_str;
use regex::Regex;

use super::uri;

/// The longest template, in bytes.
const MAX_LENGTH: usize = 1024;

/// A template, ready to tell which URIs are its.
#[derive(Clone, Debug)]
pub struct UriTemplate {
    pattern: Regex,
    variables: Vec<String>,
}

impl UriTemplate {
    /// Reads a template; the reason where it is none of level 1, or has no variable or one twice.
    pub fn parse(text: &str) -> Result<UriTemplate, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("is longer than {MAX_LENGTH} bytes"));
        }
        let mut pattern = String::from("^");
        let mut variables: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("has a `{` without a `}`")?;
            let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !plain {
                return Err(format!("`{{{name}}}` is no variable of letters, digits and `_`"));
            }
            if variables.iter().any(|v| v == name) {
                return Err(format!("has the variable `{name}` twice"));
            }
            pattern.push_str(&regex::escape(&uri::normalized(before)));
            // What level 1 leaves unencoded, and encoded bytes (RFC 6570, section 3.2.2).
            pattern.push_str(r"((?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+)");
            variables.push(name.to_owned());
            rest = behind;
        }
        if variables.is_empty() {
            return Err("has no `{variable}`".into());
        }
        if rest.contains('}') {
            return Err("has a `}` without a `{`".into());
        }
        pattern.push_str(&regex::escape(&uri::normalized(rest)));
        pattern.push('$');
        let pattern = Regex::new(&pattern).map_err(|_| "is too long")?;
        Ok(UriTemplate { pattern, variables })
    }

    /// The variables' names, in the order in which they stand.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The variables' values in a URI; `None` where it isn't one of this template.
    pub fn values(&self, uri: &str) -> Option<Vec<(&str, String)>> {
        let uri = uri::normalized(uri);
        let found = self.pattern.captures(&uri)?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let values = self.variables.iter().enumerate();
        values.map(|(i, name)| Some((name.as_str(), decoded(found.get(i + 1)?.as_str())?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_tells_its_uris() {
        let template = UriTemplate::parse("db://{table}/row.{id}?x").unwrap();
        let values = |uri| template.values(uri);
        let owned = |a: &str, b: &str| Some(vec![("table", a.to_owned()), ("id", b.to_owned())]);
        assert_eq!(values("db://users/row.7?x"), owned("users", "7"));
        assert_eq!(values("db://a%20b/row.%C3%BC?x"), owned("a b", "ü"));
        assert_eq!(values("db://%61 b/row.ü?x"), owned("a b", "ü"));
        let odd = UriTemplate::parse("db://ä {id}").unwrap();
        assert_eq!(odd.values("db://%C3%A4%201"), Some(vec![("id", "1".to_owned())]));
        for other in
            ["db://users/rowx7?x", "db://a/b/row.7?x", "db:///row.7?x", "db://a/row.7", "db://%ff/row.1?x"]
        {
            assert_eq!(values(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_template_says_why() {
        for bad in ["db://x", "db://{", "db://}", "db://{a}}", "db://{+a}", "db://{a}/{a}", "db://{}"] {
            assert!(UriTemplate::parse(bad).is_err(), "{bad}");
        }
    }
}
