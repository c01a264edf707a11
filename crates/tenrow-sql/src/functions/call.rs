//! What all functions have in common: arguments, constants, nulls, documentation.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl,
    Signature, TypeSignature, Volatility,
};

use super::argument::Argument;
use super::tensor_type::{TensorType, show_field};
use super::tensors::Tensors;

/// A function: its name and documentation, what it returns, and how it is computed.
pub(super) struct Function {
    name: &'static str,
    signature: Signature,
    documentation: Documentation,
    arity: Arity,
    plan: fn(&Plan<'_>) -> Result<FieldRef>,
    run: fn(&Call) -> Result<ArrayRef>,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy)]
struct Arity {
    least: usize,
    most: usize,
}

/// What a function is called, and what is said of it.
pub(super) struct About {
    /// The call, with its arguments named: `tensor_sum(tensor)`.
    pub(super) syntax: &'static str,
    /// What it returns.
    pub(super) returns: &'static str,
    /// A query and its answer.
    pub(super) example: &'static str,
    /// The arguments, with an example of the type of each.
    pub(super) arguments: Vec<(&'static str, &'static str, DataType)>,
    /// The number of arguments that may be left out, or `usize::MAX` more may follow.
    pub(super) optional: usize,
}

const SECTION: DocSection =
    DocSection { include: true, label: "Tensor Functions", description: None };

/// The type of a tensor argument, as `SHOW FUNCTIONS` has it.
pub(super) fn example_tensor() -> DataType {
    DataType::new_list(DataType::Float64, true)
}

impl Function {
    pub(super) fn new(
        about: About,
        plan: fn(&Plan<'_>) -> Result<FieldRef>,
        run: fn(&Call) -> Result<ArrayRef>,
    ) -> Self {
        let name = about.syntax.split('(').next().unwrap_or_default();
        let mut documentation = Documentation::builder(SECTION, about.returns, about.syntax)
            .with_sql_example(format!("```sql\n{}\n```", about.example));
        for (argument, description, _) in &about.arguments {
            documentation = documentation.with_argument(*argument, *description);
        }
        // What is accepted is decided in `plan`; the first alternative is what `SHOW FUNCTIONS` shows.
        let examples = about.arguments.iter().map(|(_, _, example)| example.clone()).collect();
        let signature = Signature::one_of(
            vec![TypeSignature::Exact(examples), TypeSignature::VariadicAny],
            Volatility::Immutable,
        );
        let given = about.arguments.len();
        let arity = match about.optional {
            usize::MAX => Arity { least: given, most: usize::MAX },
            optional => Arity { least: given - optional, most: given },
        };
        Self { name, signature, documentation: documentation.build(), arity, plan, run }
    }

    /// Sets the least number of arguments where it is not that of the documented ones.
    pub(super) fn with_least_arguments(mut self, least: usize) -> Self {
        self.arity.least = least;
        self
    }

    /// Adds a rule to what is said of the function.
    pub(super) fn with_rule(mut self, rule: &str) -> Self {
        self.documentation.description.push(' ');
        self.documentation.description.push_str(rule);
        self
    }

    fn check_arity(&self, given: usize) -> Result<()> {
        let Arity { least, most } = self.arity;
        if (least..=most).contains(&given) {
            return Ok(());
        }
        Err(DataFusionError::Plan(format!(
            "{}: {given} arguments given; it is called as {}",
            self.name, self.documentation.syntax_example
        )))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal(format!("{}: its type depends on its arguments", self.name)))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.check_arity(args.arg_fields.len())?;
        let Self { name, .. } = *self;
        (self.plan)(&Plan { name, fields: args.arg_fields, constants: args.scalar_arguments })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check_arity(args.args.len())?;
        let call = Call::new(self.name, args)?;
        let result = (self.run)(&call)?;
        Ok(match call.is_constant() {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// What is known of a call before it is run.
pub(super) struct Plan<'a> {
    pub(super) name: &'static str,
    pub(super) fields: &'a [FieldRef],
    constants: &'a [Option<&'a ScalarValue>],
}

impl Plan<'_> {
    /// The tensor that argument `index` is.
    pub(super) fn tensor(&self, index: usize) -> Result<TensorType> {
        TensorType::of_argument(self.name, &self.fields[index])
    }

    /// Whether the result may be null: an argument may be.
    pub(super) fn is_nullable(&self) -> bool {
        self.fields.iter().any(|field| field.is_nullable())
    }

    /// The field of a result that is null where an argument is.
    pub(super) fn returns(&self, data_type: DataType) -> FieldRef {
        Arc::new(Field::new(self.name, data_type, self.is_nullable()))
    }

    /// The constant that argument `index` is; `None` if it differs from row to row.
    pub(super) fn constant(&self, index: usize) -> Option<&ScalarValue> {
        self.constants.get(index).copied().flatten()
    }

    /// The constant text that argument `index` is; `None` if it differs from row to row.
    pub(super) fn text(&self, index: usize, what: &str) -> Result<Option<&str>> {
        let Some(constant) = self.constant(index) else {
            return match self.fields.get(index).map(|field| field.data_type()) {
                Some(DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8) | None => Ok(None),
                Some(_) => Err(self
                    .fault(format!("{what} is a text, not {}", show_field(&self.fields[index])))),
            };
        };
        match constant.try_as_str() {
            Some(Some(text)) => Ok(Some(text)),
            Some(None) => Err(self.fault(format!("{what} is null"))),
            None => Err(self.fault(format!("{what} is a text, not {constant}"))),
        }
    }

    /// The constant integer that argument `index` is; `None` if it is null or differs from row to row.
    pub(super) fn integer(&self, index: usize, what: &str) -> Result<Option<i64>> {
        let Some(field) = self.fields.get(index) else { return Ok(None) };
        if !field.data_type().is_integer() && !field.data_type().is_null() {
            return Err(self.fault(format!("{what} is an integer, not {}", show_field(field))));
        }
        let Some(constant) = self.constant(index) else { return Ok(None) };
        match constant.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(value) => Ok(value),
            _ => Ok(None),
        }
    }

    /// Whether this is no call: DataFusion asks what a call with arguments of the documented types
    /// would return, to list it.
    pub(super) fn is_example(&self) -> bool {
        self.fields.first().is_some_and(|field| field.name() == "arg_0")
    }

    pub(super) fn fault(&self, reason: impl AsRef<str>) -> DataFusionError {
        DataFusionError::Plan(format!("{}: {}", self.name, reason.as_ref()))
    }
}

/// A call with its arguments.
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) arguments: Vec<Argument>,
    pub(super) return_field: FieldRef,
    row_count: usize,
}

impl Call {
    fn new(name: &'static str, args: ScalarFunctionArgs) -> Result<Self> {
        let mut arguments = Vec::with_capacity(args.args.len());
        for (value, field) in args.args.into_iter().zip(args.arg_fields) {
            arguments.push(match value {
                ColumnarValue::Array(array) => Argument { field, array, is_constant: false },
                ColumnarValue::Scalar(value) => {
                    Argument { field, array: value.to_array()?, is_constant: true }
                }
            });
        }
        Ok(Self { name, arguments, return_field: args.return_field, row_count: args.number_rows })
    }

    fn is_constant(&self) -> bool {
        self.arguments.iter().all(|argument| argument.is_constant)
    }

    /// The number of values to compute: one if every argument is constant.
    pub(super) fn row_count(&self) -> usize {
        if self.is_constant() { 1 } else { self.row_count }
    }

    /// The tensors that argument `index` holds.
    pub(super) fn tensors(&self, index: usize) -> Result<Tensors> {
        Tensors::of_argument(self.name, &self.arguments[index])
    }

    /// Argument `index` as integers, of any width.
    pub(super) fn integers(&self, index: usize) -> Result<Int64Array> {
        let argument = &self.arguments[index];
        let wide = match argument.array.data_type() {
            data_type if data_type.is_integer() || data_type.is_null() => {
                arrow_cast::cast(&argument.array, &DataType::Int64)?
            }
            _ => {
                return Err(self.fault(format!(
                    "argument {} is an integer, not {}",
                    index + 1,
                    show_field(&argument.field)
                )));
            }
        };
        Ok(wide.as_primitive::<Int64Type>().clone())
    }

    /// The text that argument `index` is for all rows.
    pub(super) fn text(&self, index: usize, what: &str) -> Result<String> {
        let argument = &self.arguments[index];
        let not_constant = || self.fault(format!("{what} must be a constant text"));
        if !argument.is_constant {
            return Err(not_constant());
        }
        let texts = arrow_cast::cast(&argument.array, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        match texts.is_valid(0) {
            true => Ok(texts.value(0).to_owned()),
            false => Err(not_constant()),
        }
    }

    pub(super) fn fault(&self, reason: impl AsRef<str>) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {}", self.name, reason.as_ref()))
    }
}
