//! Statistics against each other, and against values.

use std::cmp::Ordering;

use serde_json::Value;

use crate::commit::less;
use crate::format::manifest::{KeyValue, LeafRef, Partition, Statistics};

/// What was found in the values of one attribute of a partition.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) null_count: u64,
    pub(super) min: Option<Value>,
    pub(super) max: Option<Value>,
    /// Whether values of the type have bounds at all.
    pub(super) has_order: bool,
}

impl Found {
    /// Takes in the least and the greatest of more values.
    pub(super) fn add(&mut self, min: Option<Value>, max: Option<Value>) {
        if let Some(min) = min.filter(|new| self.min.as_ref().is_none_or(|old| is_less(new, old))) {
            self.min = Some(min);
        }
        if let Some(max) = max.filter(|new| self.max.as_ref().is_none_or(|old| is_less(old, new))) {
            self.max = Some(max);
        }
    }
}

/// What is wrong with statistics, given the values that they are about.
pub(super) fn of_values(statistics: &Statistics, found: &Found) -> Option<String> {
    if statistics.null_count != found.null_count {
        return Some(format!("{} nulls, found {}", statistics.null_count, found.null_count));
    }
    let bounds = (&statistics.min, &statistics.max);
    for (what, bound, value, outside) in [
        ("minimum", bounds.0, &found.min, Ordering::Less),
        ("maximum", bounds.1, &found.max, Ordering::Greater),
    ] {
        let Some(bound) = bound else { continue };
        let Some(value) = value else {
            if statistics.is_exact() {
                return Some(format!("an exact {what} of {bound}, but there is no value"));
            }
            continue;
        };
        let order = order(value, bound);
        if order.is_none_or(|order| order == outside) {
            return Some(format!("a {what} of {bound}, found {value}"));
        }
        if statistics.is_exact() && order != Some(Ordering::Equal) {
            return Some(format!(
                "an exact {what} of {bound}, which does not occur: it is {value}"
            ));
        }
    }
    None
}

/// What is wrong with the value of a key, given the values of all rows.
pub(super) fn of_key(key: &KeyValue, found: &Found) -> Option<String> {
    let is_key = |value: &Value| order(value, &key.value) == Some(Ordering::Equal);
    let all = match (&key.value, &found.min, &found.max) {
        (Value::Null, None, None) => true,
        (_, Some(min), Some(max)) => found.null_count == 0 && is_key(min) && is_key(max),
        _ => false,
    };
    (!all).then(|| {
        let shown = |bound: &Option<Value>| bound.as_ref().map_or("none".into(), Value::to_string);
        format!(
            "the key is {}, but its rows have {} to {}, and {} nulls",
            key.value,
            shown(&found.min),
            shown(&found.max),
            found.null_count
        )
    })
}

/// What is wrong with the statistics of a partition by themselves.
pub(super) fn of_partition(entry: &Partition) -> Vec<String> {
    let mut faults = Vec::new();
    for own in &entry.statistics {
        let field = own.field.0;
        if let (Some(min), Some(max)) = (&own.min, &own.max)
            && order(min, max).is_none_or(|order| order == Ordering::Greater)
        {
            faults.push(format!("statistics of field {field}: {min} to {max} is no range"));
        }
        if own.exact && (own.min.is_none() || own.max.is_none()) {
            faults.push(format!("statistics of field {field}: exact without both bounds"));
        }
        let key = entry.keys.iter().find(|key| key.field == own.field).map(|key| &key.value);
        let beyond = |bound: &Option<Value>, key, outside| {
            bound.as_ref().is_some_and(|bound| order(key, bound).is_none_or(|o| o == outside))
        };
        if let Some(key) = key.filter(|key| !key.is_null())
            && (beyond(&own.min, key, Ordering::Less) || beyond(&own.max, key, Ordering::Greater))
        {
            faults.push(format!("the key of field {field} is {key}, but its bounds are others"));
        }
    }
    faults
}

/// What is wrong with the statistics that a root has of a leaf, given those of its partitions.
pub(super) fn of_leaf(reference: &LeafRef, partitions: &[Partition]) -> Vec<String> {
    let mut faults = Vec::new();
    for whole in &reference.statistics {
        let field = whole.field.0;
        let mut own =
            partitions.iter().map(|p| p.statistics.iter().find(|s| s.field == whole.field));
        let nulls = own.clone().flatten().fold(0u64, |sum, s| sum.saturating_add(s.null_count));
        let all_known = own.clone().all(|own| own.is_some());
        if nulls > whole.null_count || (all_known && nulls != whole.null_count) {
            faults.push(format!(
                "its root says {} nulls of field {field}, its partitions {nulls}",
                whole.null_count
            ));
        }
        let outside = own.clone().flatten().find(|own| !contains(whole, own));
        if let Some(own) = outside {
            faults.push(format!(
                "its root says {} to {} of field {field}, but a partition has {} to {}",
                shown(&whole.min),
                shown(&whole.max),
                shown(&own.min),
                shown(&own.max)
            ));
        }
        let occurs = |bound: fn(&Statistics) -> &Option<Value>| {
            own.clone().flatten().any(|own| own.is_exact() && bound(own) == bound(whole))
        };
        let occur = !whole.is_exact() || (occurs(|s| &s.min) && occurs(|s| &s.max));
        if !occur && own.all(|own| own.is_some_and(Statistics::is_exact)) {
            faults.push(format!(
                "its root says exact bounds of field {field}, which no partition has"
            ));
        }
    }
    faults
}

fn contains(whole: &Statistics, own: &Statistics) -> bool {
    let within = |outer: &Option<Value>, inner: &Option<Value>, outside| match (outer, inner) {
        (Some(outer), Some(inner)) => order(inner, outer).is_some_and(|order| order != outside),
        // Unknown here means unknown there, unless all values are null.
        (Some(_), None) => own.exact || own.max.is_none() && own.min.is_none(),
        (None, _) => true,
    };
    within(&whole.min, &own.min, Ordering::Less) && within(&whole.max, &own.max, Ordering::Greater)
}

fn shown(bound: &Option<Value>) -> String {
    bound.as_ref().map_or("unknown".into(), Value::to_string)
}

fn is_less(a: &Value, b: &Value) -> bool {
    less(a, b) == Some(true)
}

/// How two values of one type stand to each other; `None` of others.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    Some(match (less(a, b)?, less(b, a)?) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => Ordering::Equal,
    })
}
