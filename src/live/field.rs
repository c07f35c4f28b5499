//! Typed access to JSON of unknown origin: value → what is expected there, or an error that names the field.
//! Knows no description's meaning.

use serde_json::Value;

/// Why a live description could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Not JSON at all (its nesting is bounded by the JSON parser).
    #[error("the live description is not JSON")]
    Json(#[from] serde_json::Error),
    /// A field is missing or has another type.
    #[error("the live description's `{field}` should be {expected}")]
    Field {
        /// Where, from the root: `parsers[0].actions[2].flags`.
        field: String,
        /// What stands there in a good description.
        expected: &'static str,
    },
    /// More of something than a program can plausibly have.
    #[error("the live description has too much: {what}, more than {limit}")]
    TooLarge {
        /// What there is too much of.
        what: String,
        /// The most that is read.
        limit: usize,
    },
}

/// The most elements that one list may have.
const MAX_ITEMS: usize = 20_000;

/// A value and the way to it. The way is only spelled out where something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    step: Step<'a>,
    parent: Option<&'a Field<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

static NULL: Value = Value::Null;

impl<'a> Field<'a> {
    pub(super) fn root(value: &'a Value) -> Field<'a> {
        Field { value, step: Step::Root, parent: None }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The member `key` of an object; null where it is absent.
    pub(super) fn get<'b>(&'b self, key: &'b str) -> Result<Field<'b>, LiveError> {
        let members = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        Ok(Field { value: members.get(key).unwrap_or(&NULL), step: Step::Key(key), parent: Some(self) })
    }

    /// Every element of a list, through `convert`; null counts as an empty list.
    pub(super) fn each<T>(
        &self,
        mut convert: impl FnMut(Field<'_>) -> Result<T, LiveError>,
    ) -> Result<Vec<T>, LiveError> {
        let items = match self.value {
            Value::Null => return Ok(Vec::new()),
            Value::Array(items) => items,
            _ => return Err(self.wrong("a list")),
        };
        if items.len() > MAX_ITEMS {
            return Err(LiveError::TooLarge { what: self.path(), limit: MAX_ITEMS });
        }
        let element = |(index, value)| convert(Field { value, step: Step::Index(index), parent: Some(self) });
        items.iter().enumerate().map(element).collect()
    }

    pub(super) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub(super) fn text(&self) -> Result<&'a str, LiveError> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    /// A string; `None` for null.
    pub(super) fn maybe_text(&self) -> Result<Option<String>, LiveError> {
        if self.is_null() { Ok(None) } else { self.text().map(|t| Some(t.to_owned())) }
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, LiveError> {
        self.each(|item| item.text().map(str::to_owned))
    }

    /// True or false; null counts as false.
    pub(super) fn flag(&self) -> Result<bool, LiveError> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(value) => Ok(*value),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A number from 0 to below `limit`.
    pub(super) fn below(&self, limit: usize) -> Result<usize, LiveError> {
        let number = self.value.as_u64().and_then(|n| usize::try_from(n).ok());
        number.filter(|n| *n < limit).ok_or_else(|| self.wrong("a number within bounds"))
    }

    /// The error for a value of another kind than `expected`.
    pub(super) fn wrong(&self, expected: &'static str) -> LiveError {
        LiveError::Field { field: self.path(), expected }
    }

    fn path(&self) -> String {
        let mut path = self.parent.map(Field::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Index(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
        }
        path
    }
}
