//! The schema of one argument → the values that it takes, in a form that can be compared.
//!
//! Knows the schemas that [`crate::schema`] makes, and takes whatever else it meets for one that takes anything.

use serde_json::Value;

/// One of the alternatives of a schema.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Anything: a schema that is not known here.
    Any,
    Boolean,
    /// `true` alone.
    True,
    /// Whole numbers, from 0 on or all.
    Integer {
        from_zero: bool,
    },
    Number,
    Object,
    /// Text; only the listed ones, where there is a list.
    Text(Option<Vec<String>>),
    List {
        items: Vec<Shape>,
        min: u64,
        max: Option<u64>,
    },
}

/// The alternatives of a schema.
pub(super) fn of(schema: &Value) -> Vec<Shape> {
    if let Some(all) = schema["anyOf"].as_array() {
        return all.iter().flat_map(of).collect();
    }
    vec![match schema["type"].as_str() {
        Some("boolean") if schema["const"] == Value::Bool(true) => Shape::True,
        Some("boolean") => Shape::Boolean,
        Some("integer") => Shape::Integer { from_zero: schema["minimum"].as_u64() == Some(0) },
        Some("number") => Shape::Number,
        Some("object") => Shape::Object,
        Some("string") => Shape::Text(schema["enum"].as_array().map(|all| texts(all))),
        Some("array") => Shape::List {
            items: of(&schema["items"]),
            min: schema["minItems"].as_u64().unwrap_or(0),
            max: schema["maxItems"].as_u64(),
        },
        _ => Shape::Any,
    }]
}

fn texts(all: &[Value]) -> Vec<String> {
    all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Whether `wide` takes every value that `narrow` takes.
pub(super) fn covers(wide: &[Shape], narrow: &[Shape]) -> bool {
    narrow.iter().all(|one| wide.iter().any(|other| covers_one(other, one)))
}

fn covers_one(wide: &Shape, narrow: &Shape) -> bool {
    match (wide, narrow) {
        (Shape::Any, _)
        | (Shape::Boolean, Shape::True)
        | (Shape::Number, Shape::Integer { .. })
        | (Shape::Text(None), Shape::Text(_)) => true,
        (Shape::Integer { from_zero }, Shape::Integer { from_zero: other }) => !from_zero || *other,
        (Shape::Text(Some(wide)), Shape::Text(Some(narrow))) => narrow.iter().all(|one| wide.contains(one)),
        (
            Shape::List { items, min, max },
            Shape::List { items: other_items, min: other_min, max: other_max },
        ) => {
            let longest = max.is_none_or(|max| other_max.is_some_and(|other| other <= max));
            covers(items, other_items) && min <= other_min && longest
        }
        (one, other) => one == other,
    }
}

/// The same without lists of choices.
pub(super) fn any_text(shapes: &[Shape]) -> Vec<Shape> {
    let one = |shape: &Shape| match shape {
        Shape::Text(_) => Shape::Text(None),
        Shape::List { items, min, max } => Shape::List { items: any_text(items), min: *min, max: *max },
        other => other.clone(),
    };
    shapes.iter().map(one).collect()
}

/// The same without bounds on the length of lists.
pub(super) fn any_length(shapes: &[Shape]) -> Vec<Shape> {
    let one = |shape: &Shape| match shape {
        Shape::List { items, .. } => Shape::List { items: any_length(items), min: 0, max: None },
        other => other.clone(),
    };
    shapes.iter().map(one).collect()
}

/// The choices, where text must be one of them.
pub(super) fn choices(shapes: &[Shape]) -> Option<Vec<String>> {
    let is_open = shapes.iter().any(|shape| matches!(shape, Shape::Text(None)));
    shapes.iter().filter(|_| !is_open).find_map(|shape| match shape {
        Shape::Text(choices) => choices.clone(),
        Shape::List { items, .. } => choices(items),
        _ => None,
    })
}
