//! Long chains of operators, `a OR b OR c …`, which the parser makes as deep as they are long: what walks over them overflowed
//! its stack, and the program was gone.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value, VisitorMut};

use super::visit::visit;
use tenrow::{Error, Result};

/// Chains up to this length stay as they are.
const MAX_DEPTH: usize = 64;
/// Operands of a chain whose order of evaluation counts.
const MAX_OPERANDS: usize = 200;

/// Makes chains of `AND` and of `OR` trees of little depth; refuses others that are very long.
pub(crate) fn balance_chains(statement: &mut Statement) -> Result<()> {
    match visit(statement, &mut Chains) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(operator) => Err(Error::invalid(format!(
            "more than {MAX_OPERANDS} operands of {operator} in a row: put parts of them into parentheses, or use IN or a join with VALUES"
        ))),
    }
}

struct Chains;

impl VisitorMut for Chains {
    type Break = BinaryOperator;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::BinaryOp { op, .. } = &*expr else { return ControlFlow::Continue(()) };
        let op = op.clone();
        let length = length(expr);
        if length <= MAX_DEPTH {
            return ControlFlow::Continue(());
        }
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) && all_are(expr, &op) {
            *expr = balanced(operands(expr), &op);
            return ControlFlow::Continue(());
        }
        match length > MAX_OPERANDS {
            true => ControlFlow::Break(op),
            false => ControlFlow::Continue(()),
        }
    }
}

/// How deep the left sides of binary operators go.
fn length(expr: &Expr) -> usize {
    let (mut length, mut next) = (0, expr);
    while let Expr::BinaryOp { left, .. } = next {
        (length, next) = (length + 1, left);
    }
    length
}

/// Whether the chain has as many of `op` at its top as are too many.
fn all_are(expr: &Expr, op: &BinaryOperator) -> bool {
    let (mut count, mut next) = (0, expr);
    while let Expr::BinaryOp { left, op: own, .. } = next {
        if own != op {
            break;
        }
        (count, next) = (count + 1, left);
    }
    count > MAX_DEPTH
}

/// The operands of the operator at the top, in order.
fn operands(expr: &mut Expr) -> Vec<Expr> {
    let nothing = || Expr::value(Value::Null);
    let Expr::BinaryOp { op, .. } = &*expr else { return vec![std::mem::replace(expr, nothing())] };
    let op = op.clone();
    let mut found = Vec::new();
    let mut next = std::mem::replace(expr, nothing());
    loop {
        match next {
            Expr::BinaryOp { left, op: own, right } if own == op => {
                found.push(*right);
                next = *left;
            }
            last => {
                found.push(last);
                break;
            }
        }
    }
    found.reverse();
    found
}

fn balanced(mut operands: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while operands.len() > 1 {
        let mut paired = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            paired.push(match rest.next() {
                Some(right) => Expr::Nested(Box::new(Expr::BinaryOp {
                    left: Box::new(left),
                    op: op.clone(),
                    right: Box::new(right),
                })),
                None => left,
            });
        }
        operands = paired;
    }
    operands.pop().unwrap_or_else(|| Expr::value(Value::Null))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    fn chain(operator: &str, count: usize) -> String {
        let parts: Vec<String> = (0..count).map(|i| format!("x = {i}")).collect();
        format!("SELECT 1 FROM t WHERE {}", parts.join(&format!(" {operator} ")))
    }

    #[test]
    fn long_chains_become_as_deep_as_they_need() {
        for operator in ["AND", "OR"] {
            let mut statement = parse_one(&chain(operator, 2000)).unwrap();
            balance_chains(&mut statement).unwrap();
            let text = statement.to_string();
            let order: Vec<usize> = text
                .split("x = ")
                .skip(1)
                .map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>())
                .map(|digits| digits.parse().unwrap())
                .collect();
            assert_eq!(order, (0..2000).collect::<Vec<_>>());
            let depth = text.chars().scan(0, |depth, c| {
                *depth += i32::from(c == '(') - i32::from(c == ')');
                Some(*depth)
            });
            assert_eq!(depth.max(), Some(11));
        }
    }

    #[test]
    fn short_chains_stay_and_long_ones_of_other_operators_are_refused() {
        let text = chain("OR", 20);
        let mut statement = parse_one(&text).unwrap();
        balance_chains(&mut statement).unwrap();
        assert_eq!(statement.to_string(), text);
        let sum = format!("SELECT {}", vec!["1"; 5000].join(" + "));
        let error = balance_chains(&mut parse_one(&sum).unwrap()).unwrap_err();
        assert!(error.to_string().contains("operands of +"), "{error}");
    }
}
