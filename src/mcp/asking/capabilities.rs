//! What a client said that it can be asked: `ClientCapabilities` of `initialize`, or of a modern request's `_meta`.

use serde_json::{Map, Value, json};

use crate::mcp::era::Revision;

/// The capabilities that asking needs: a client is asked for nothing else. The default is a client that can't be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capabilities(Map<String, Value>);

/// What may be asked, and what of each a client says separately.
const KNOWN: [(&str, &[&str]); 3] =
    [("elicitation", &["form", "url"]), ("sampling", &["tools", "context"]), ("roots", &[])];

impl Capabilities {
    /// What of `declared` counts in that revision; whatever else is declared is left out.
    pub fn of(declared: Option<&Value>, revision: Revision) -> Capabilities {
        let declared = |name: &str| declared.and_then(|d| d.get(name)).and_then(Value::as_object);
        let known =
            KNOWN.into_iter().filter(|(name, _)| *name != "elicitation" || revision.has_elicitation());
        let kept = known.filter_map(|(name, parts)| {
            let own = declared(name)?;
            let parts = parts.iter().filter(|_| revision.has_modes());
            let parts = parts.filter(|part| own.get(**part).is_some_and(Value::is_object));
            let parts: Map<String, Value> = parts.map(|part| ((*part).to_owned(), json!({}))).collect();
            Some((name.to_owned(), Value::Object(parts)))
        });
        Capabilities(kept.collect())
    }

    /// As programs are told.
    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Whether forms can be shown to the user.
    pub(super) fn has_forms(&self) -> bool {
        // An empty capability is from the time when there were only forms.
        self.0.get("elicitation").is_some_and(|e| e.get("form").is_some() || e.get("url").is_none())
    }

    /// What of all that the requests need was not declared, as a `ClientCapabilities`; `None` where nothing is missing.
    pub(super) fn lacks(&self, requests: &Map<String, Value>) -> Option<Value> {
        let mut missing = Map::new();
        for request in requests.values() {
            let params = &request["params"];
            let (name, part, there) = match request["method"].as_str() {
                Some("elicitation/create") if params["mode"] == "url" => {
                    ("elicitation", Some("url"), self.has("elicitation", "url"))
                }
                Some("elicitation/create") => ("elicitation", None, self.has_forms()),
                Some("sampling/createMessage") if params.get("tools").is_some() => {
                    ("sampling", Some("tools"), self.has("sampling", "tools"))
                }
                Some("sampling/createMessage") => ("sampling", None, self.0.contains_key("sampling")),
                _ => ("roots", None, self.0.contains_key("roots")),
            };
            if !there {
                let entry = missing.entry(name).or_insert_with(|| json!({}));
                part.into_iter().for_each(|part| entry[part] = json!({}));
            }
        }
        (!missing.is_empty()).then_some(Value::Object(missing))
    }

    fn has(&self, name: &str, part: &str) -> bool {
        self.0.get(name).is_some_and(|own| own.get(part).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_asked_counts() {
        let declared = json!({
            "elicitation": {"form": {}, "url": true, "other": {}}, "sampling": {"tools": {}},
            "roots": {"listChanged": true}, "experimental": {"x": {}}, "tasks": {},
        });
        let found = Capabilities::of(Some(&declared), Revision::V2025_11_25);
        assert_eq!(
            found.to_value(),
            json!({"elicitation": {"form": {}}, "sampling": {"tools": {}}, "roots": {}})
        );
        let old = Capabilities::of(Some(&declared), Revision::V2025_03_26);
        assert_eq!(old.to_value(), json!({"sampling": {}, "roots": {}}));
        let forms_alone = Capabilities::of(Some(&declared), Revision::V2025_06_18);
        assert_eq!(forms_alone.to_value(), json!({"elicitation": {}, "sampling": {}, "roots": {}}));
        for none in [None, Some(json!([])), Some(json!({"roots": true}))] {
            assert_eq!(Capabilities::of(none.as_ref(), Revision::V2026_07_28), Capabilities::default());
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let form = json!({"method": "elicitation/create", "params": {}});
        let page = json!({"method": "elicitation/create", "params": {"mode": "url"}});
        let sampling = json!({"method": "sampling/createMessage", "params": {}});
        let tools = json!({"method": "sampling/createMessage", "params": {"tools": []}});
        let roots = json!({"method": "roots/list"});
        for (declared, request, missing) in [
            (json!({"elicitation": {}}), &form, None),
            (json!({"elicitation": {"form": {}}}), &form, None),
            (json!({"elicitation": {"url": {}}}), &form, Some(json!({"elicitation": {}}))),
            (json!({"elicitation": {}}), &page, Some(json!({"elicitation": {"url": {}}}))),
            (json!({"elicitation": {"url": {}}}), &page, None),
            (json!({"sampling": {}}), &sampling, None),
            (json!({"sampling": {}}), &tools, Some(json!({"sampling": {"tools": {}}}))),
            (json!({}), &sampling, Some(json!({"sampling": {}}))),
            (json!({}), &roots, Some(json!({"roots": {}}))),
            (json!({"roots": {}}), &roots, None),
        ] {
            let can = Capabilities::of(Some(&declared), Revision::V2026_07_28);
            let requests = Map::from_iter([("k".to_owned(), request.clone())]);
            assert_eq!(can.lacks(&requests), missing, "{declared} {request}");
        }
        let all = Map::from_iter([("a".to_owned(), roots), ("b".to_owned(), tools), ("c".to_owned(), form)]);
        let missing = json!({"roots": {}, "sampling": {"tools": {}}, "elicitation": {}});
        assert_eq!(Capabilities::default().lacks(&all), Some(missing));
    }
}
