//! Changes of a schema after which no stored file has to be written again.
//!
//! An id stands for one form of one attribute for ever. What changes the form, widening it or making it
//! nullable, gives the attribute a new id and remembers the old form, so that every file says by the ids
//! that it holds how its values are stored.

use crate::attribute_type::AttributeType;
use crate::dtype::DType;
use crate::error::{FormatError, Result, names_listed};
use crate::schema::{Attribute, EarlierForm, FieldId, Schema};
use crate::{default_value, widen};

impl Schema {
    /// This schema with `attribute` at its end, under an id of its own.
    ///
    /// # Errors
    /// The rule that its name, type or default breaks. Without a default it has to be nullable: rows
    /// that are there already need a value.
    pub fn with_added(&self, attribute: Attribute) -> Result<Self> {
        if !attribute.nullable && attribute.default.is_none() {
            return Err(broken(format!(
                "attribute {:?} needs a default or has to be nullable (`{}?`): there are rows without it",
                attribute.name, attribute.attribute_type
            )));
        }
        self.with(|attributes, id| {
            attributes.push(Attribute { id, earlier: Vec::new(), ..attribute });
            Ok(())
        })
    }

    /// This schema without the attribute called `name`; its id is never used again.
    ///
    /// # Errors
    /// If there is no such attribute, or it is the last one.
    pub fn with_dropped(&self, name: &str) -> Result<Self> {
        let position = self.position_of(name)?;
        if self.attributes().len() == 1 {
            return Err(broken(format!("{name:?} is the last attribute, and a dataset has one")));
        }
        self.with(|attributes, _| {
            attributes.remove(position);
            Ok(())
        })
    }

    /// This schema with attribute `from` called `to`.
    ///
    /// # Errors
    /// If there is no such attribute; [`FormatError::NameClash`] if another has that name.
    pub fn with_renamed(&self, from: &str, to: &str) -> Result<Self> {
        let position = self.position_of(from)?;
        self.with(|attributes, _| {
            attributes[position].name = to.to_owned();
            Ok(())
        })
    }

    /// This schema with the elements of attribute `name` as `dtype`, which holds every value of the old one.
    ///
    /// # Errors
    /// If there is no such attribute, it has no dtype, or the new one would lose values.
    pub fn with_widened(&self, name: &str, dtype: DType) -> Result<Self> {
        let position = self.position_of(name)?;
        let old = &self.attributes()[position].attribute_type;
        let wide = match old {
            AttributeType::Scalar(_) => AttributeType::Scalar(dtype),
            AttributeType::Tensor { shape, .. } => {
                AttributeType::Tensor { dtype, shape: shape.clone() }
            }
            AttributeType::VariableTensor { shape, .. } => {
                AttributeType::VariableTensor { dtype, shape: shape.clone() }
            }
            other => {
                return Err(broken(format!(
                    "attribute {name:?} is {other}, which has no dtype to widen"
                )));
            }
        };
        if wide == *old {
            return Err(broken(format!("attribute {name:?} is {old} already")));
        }
        widen::check(old, &wide).map_err(|rule| broken(format!("attribute {name:?}: {rule}")))?;
        // A default stays the number that rows have had: 0.1 was the nearest of its dtype.
        let default = match (&self.attributes()[position].default, old.dtype()) {
            (Some(default), Some(dtype)) => Some(default_value::held(name, dtype, default)?),
            (default, _) => default.clone(),
        };
        self.with(|attributes, id| {
            remember(&mut attributes[position], id);
            attributes[position].attribute_type = wide;
            attributes[position].default = default;
            Ok(())
        })
    }

    /// This schema with attribute `name` nullable.
    ///
    /// # Errors
    /// If there is no such attribute, or it is nullable already.
    pub fn with_made_nullable(&self, name: &str) -> Result<Self> {
        let position = self.position_of(name)?;
        if self.attributes()[position].nullable {
            return Err(broken(format!("attribute {name:?} is nullable already")));
        }
        self.with(|attributes, id| {
            remember(&mut attributes[position], id);
            attributes[position].nullable = true;
            Ok(())
        })
    }

    /// This schema with the attributes called `names` first, in that order, and the others after them.
    ///
    /// # Errors
    /// If there is no such attribute, or a name occurs twice.
    pub fn with_order(&self, names: &[String]) -> Result<Self> {
        let mut first = Vec::with_capacity(names.len());
        for name in names {
            let position = self.position_of(name)?;
            if first.contains(&position) {
                return Err(broken(format!("attribute {name:?} is named twice")));
            }
            first.push(position);
        }
        self.with(|attributes, _| {
            let rest = (0..attributes.len()).filter(|position| !first.contains(position));
            let order: Vec<usize> = first.iter().copied().chain(rest).collect();
            *attributes = order.into_iter().map(|i| attributes[i].clone()).collect();
            Ok(())
        })
    }

    /// This schema with other names for the dimensions of a tensor; none takes them away.
    ///
    /// # Errors
    /// If there is no such attribute, or it has another number of dimensions.
    pub fn with_dim_names_of(&self, name: &str, dim_names: Vec<String>) -> Result<Self> {
        let position = self.position_of(name)?;
        self.with(|attributes, _| {
            attributes[position].dim_names = dim_names;
            Ok(())
        })
    }

    /// The attributes of `new` in place of all, under ids of their own: nothing that is stored is theirs.
    ///
    /// # Errors
    /// If the ids run out.
    pub fn replaced_by(&self, new: &Schema) -> Result<Self> {
        let mut next = self.next_field_id();
        let mut attributes = Vec::with_capacity(new.attributes().len());
        for attribute in new.attributes() {
            let id = FieldId(next);
            attributes.push(Attribute { id, earlier: Vec::new(), ..attribute.clone() });
            next = following(next)?;
        }
        Self::from_parts(attributes, next)
    }

    /// Changes the attributes; `change` may give one of them the id that it is passed.
    fn with(
        &self,
        change: impl FnOnce(&mut Vec<Attribute>, FieldId) -> Result<()>,
    ) -> Result<Self> {
        let id = FieldId(self.next_field_id());
        let mut attributes = self.attributes().to_vec();
        change(&mut attributes, id)?;
        let used = attributes.iter().any(|attribute| attribute.id == id);
        let next = if used { following(id.0)? } else { id.0 };
        Self::from_parts(attributes, next)
    }

    fn position_of(&self, name: &str) -> Result<usize> {
        self.position(name).ok_or_else(|| {
            let names = names_listed(self.attributes().iter().map(|a| a.name.as_str()));
            broken(format!("no attribute {name:?}; there are {names}"))
        })
    }
}

/// Gives the attribute a new id and notes the form that it had.
fn remember(attribute: &mut Attribute, id: FieldId) {
    let form = EarlierForm {
        id: attribute.id,
        attribute_type: attribute.attribute_type.clone(),
        nullable: attribute.nullable,
    };
    attribute.earlier.insert(0, form);
    attribute.id = id;
}

fn following(id: u32) -> Result<u32> {
    id.checked_add(1).ok_or_else(|| broken("all field ids are used".into()))
}

fn broken(reason: String) -> FormatError {
    FormatError::InvalidSchema { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::new(
            ["image:u8[2,2]", "label:i8", "name:string?"].map(|t| Attribute::parse(t).unwrap()),
        )
        .unwrap()
    }

    fn names(schema: &Schema) -> Vec<String> {
        schema.attributes().iter().map(|a| a.name.clone()).collect()
    }

    #[test]
    fn ids_are_never_used_again() {
        let dropped = schema().with_dropped("name").unwrap();
        let added = dropped.with_added(Attribute::parse("name:i8?").unwrap()).unwrap();
        assert_eq!(added.attribute("name").unwrap().id, FieldId(4));
        assert_eq!(added.next_field_id(), 5);
        let replaced = added.replaced_by(&schema()).unwrap();
        assert_eq!(replaced.attributes()[0].id, FieldId(5));
    }

    #[test]
    fn widening_remembers_the_older_form() {
        let wide = schema().with_widened("label", DType::I32).unwrap();
        let wide = wide.with_made_nullable("label").unwrap();
        let label = wide.attribute("label").unwrap();
        assert_eq!(label.ids().map(|id| id.0).collect::<Vec<_>>(), [5, 4, 2]);
        let stored = label.as_stored(FieldId(2)).unwrap();
        assert_eq!((stored.type_text(), stored.id), ("i8".to_owned(), FieldId(2)));
        assert_eq!(label.type_text(), "i32?");
        // A default stays the number that it was: the nearest of the narrower dtype.
        for (narrow, default, held) in [
            (DType::F32, 0.1, 0.100_000_001_490_116_12),
            (DType::F16, 0.1, 0.099_975_585_937_5),
            (DType::Bf16, 0.1, 0.100_097_656_25),
            (DType::F32, 16_777_217.0, 16_777_216.0),
        ] {
            let added = Attribute::new("f", AttributeType::Scalar(narrow)).with_default(default);
            let wide = schema().with_added(added).unwrap().with_widened("f", DType::F64).unwrap();
            assert_eq!(wide.attribute("f").unwrap().default, Some(held.into()), "{narrow}");
        }
        assert!(wide.with_widened("label", DType::I16).is_err());
    }

    #[test]
    fn names_and_order_change_without_ids() {
        let changed = schema().with_renamed("name", "title").unwrap();
        let changed = changed.with_order(&["title".into()]).unwrap();
        assert_eq!(names(&changed), ["title", "image", "label"]);
        assert_eq!(changed.attributes()[0].id, FieldId(3));
        assert_eq!(changed.next_field_id(), 4);
    }

    #[test]
    fn changes_that_break_a_rule_are_refused_with_it() {
        let schema = schema();
        let refused = [
            (schema.with_renamed("label", "name").map(drop), "name"),
            (schema.with_renamed("lable", "x").map(drop), "image, label, name"),
            (schema.with_widened("name", DType::I64).map(drop), "no dtype"),
            (schema.with_widened("label", DType::U8).map(drop), "cannot become"),
            (schema.with_added(Attribute::parse("x:i8").unwrap()).map(drop), "default"),
            (schema.with_order(&["label".into(), "label".into()]).map(drop), "twice"),
            (schema.with_dim_names_of("image", vec!["y".into()]).map(drop), "dimension"),
        ];
        for (result, rule) in refused {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
        let one = Schema::new([Attribute::parse("x:i8").unwrap()]).unwrap();
        assert!(one.with_dropped("x").unwrap_err().to_string().contains("last"));
    }
}
