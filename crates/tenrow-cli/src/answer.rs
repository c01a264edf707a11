//! What a command has to say: JSON for programs, text for people. Only what is asked for is made, and long answers are
//! never in memory as a whole.

use std::io::{Write, stderr};
use std::rc::Rc;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream, Stream};
use serde_json::Value;

use crate::fault::{Fault, Result};
use crate::table;

/// The answer of a command.
#[must_use]
pub(crate) struct Answer {
    json: Json,
    text: LocalBoxStream<'static, Result<String>>,
    remarks: Box<dyn FnOnce() -> Vec<String>>,
    fault: Option<Fault>,
}

/// What a program reads.
enum Json {
    Document(LocalBoxFuture<'static, Result<Value>>),
    /// An array, an item at a time.
    Array(LocalBoxStream<'static, Result<Value>>),
    /// Nothing: the command said it itself.
    Said,
}

impl Answer {
    /// Says what was found: `json` as a document, `text` as lines, of which the last may lack its end.
    pub(crate) fn of<T: 'static>(
        found: T,
        json: impl FnOnce(&T) -> Value + 'static,
        text: impl FnOnce(&T) -> String + 'static,
    ) -> Self {
        let found = Rc::new(found);
        let same = found.clone();
        Self::document(
            async move { Ok(json(&found)) },
            stream::once(async move { Ok(text(&same)) }),
        )
    }

    /// A document, or pieces of text, each of whole lines.
    pub(crate) fn document(
        json: impl Future<Output = Result<Value>> + 'static,
        text: impl Stream<Item = Result<String>> + 'static,
    ) -> Self {
        Self::new(Json::Document(Box::pin(json)), text)
    }

    /// The items of an array, or pieces of text, each of whole lines.
    pub(crate) fn array(
        json: impl Stream<Item = Result<Value>> + 'static,
        text: impl Stream<Item = Result<String>> + 'static,
    ) -> Self {
        Self::new(Json::Array(json.boxed_local()), text)
    }

    /// A list: what `json` makes of each item, or a table of the cells that `cells` makes of it, below a header if it has one.
    pub(crate) fn list<T: 'static>(
        header: &[&str],
        items: Vec<T>,
        json: impl Fn(&T) -> Value + 'static,
        cells: impl Fn(&T) -> Vec<String> + 'static,
    ) -> Self {
        let items = Rc::new(items);
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let header = (!header.is_empty()).then_some(header);
        let rows = header.into_iter().chain(each(&items, cells));
        Self::array(
            stream::iter(each(&items, move |item| Ok(json(item)))),
            stream::iter(table::lists(rows).map(Ok)),
        )
    }

    /// A list without items; people are told so.
    pub(crate) fn none(text: &'static str) -> Self {
        Self::array(stream::empty(), stream::once(async move { Ok(text.to_owned()) }))
    }

    /// Nothing: the command has said it all.
    pub(crate) fn said() -> Self {
        Self::new(Json::Said, stream::empty())
    }

    fn new(json: Json, text: impl Stream<Item = Result<String>> + 'static) -> Self {
        Self { json, text: text.boxed_local(), remarks: Box::new(Vec::new), fault: None }
    }

    /// With what is said on stderr, in either form.
    pub(crate) fn with_remarks(self, remarks: Vec<String>) -> Self {
        self.with_remarks_of(move || remarks)
    }

    /// With remarks that are known once all was printed.
    pub(crate) fn with_remarks_of(
        mut self,
        remarks: impl FnOnce() -> Vec<String> + 'static,
    ) -> Self {
        self.remarks = Box::new(remarks);
        self
    }

    /// With what the program fails with in spite of its answer.
    pub(crate) fn with_fault(mut self, fault: Option<Fault>) -> Self {
        self.fault = fault;
        self
    }

    /// Prints it, and then its remarks.
    ///
    /// # Errors
    /// Of reading what is still to be read, of printing, and at the end the one that it came with.
    pub(crate) async fn print(self, as_json: bool, out: &mut impl Write) -> Result<()> {
        match self.json {
            Json::Document(document) if as_json => writeln!(out, "{:#}", document.await?)?,
            Json::Array(items) if as_json => print_array(items, out).await?,
            _ => print_text(self.text, out).await?,
        }
        out.flush()?;
        for remark in (self.remarks)() {
            writeln!(stderr(), "tenrow: {remark}")?;
        }
        self.fault.map_or(Ok(()), Err)
    }
}

/// What `of` makes of each item, one after another.
pub(crate) fn each<T, U, F: Fn(&T) -> U>(
    items: &Rc<Vec<T>>,
    of: F,
) -> impl Iterator<Item = U> + use<T, U, F> {
    let items = items.clone();
    (0..items.len()).map(move |index| of(&items[index]))
}

async fn print_text(
    mut pieces: LocalBoxStream<'static, Result<String>>,
    out: &mut impl Write,
) -> Result<()> {
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        out.write_all(piece.as_bytes())?;
        if !piece.is_empty() && !piece.ends_with('\n') {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Prints an array as `{:#}` prints one that is in memory.
async fn print_array(
    mut items: LocalBoxStream<'static, Result<Value>>,
    out: &mut impl Write,
) -> Result<()> {
    let mut is_first = true;
    while let Some(item) = items.next().await {
        // A line end within a text is an escape: these are all between values.
        let item = format!("{:#}", item?).replace('\n', "\n  ");
        write!(out, "{}\n  {item}", if is_first { "[" } else { "," })?;
        is_first = false;
    }
    writeln!(out, "{}", if is_first { "[]" } else { "\n]" })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    async fn printed(answer: Answer, as_json: bool) -> String {
        let mut out = Vec::new();
        answer.print(as_json, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    fn array(items: &[Value]) -> Answer {
        let items: Vec<_> = items.iter().cloned().map(Ok).collect();
        Answer::array(stream::iter(items), stream::empty())
    }

    #[tokio::test]
    async fn an_array_that_comes_bit_by_bit_is_printed_as_a_whole_one() {
        for items in [vec![], vec![json!(1)], vec![json!({ "a": "b\nc", "d": [1, {}] }), json!([])]]
        {
            let expected = format!("{:#}\n", Value::from(items.clone()));
            assert_eq!(printed(array(&items), true).await, expected);
        }
    }

    #[tokio::test]
    async fn only_what_is_asked_for_is_made() {
        let made = Rc::new(Cell::new(0));
        let (json_made, text_made) = (made.clone(), made.clone());
        let answer = |by_json: Rc<Cell<u32>>, by_text: Rc<Cell<u32>>| {
            Answer::of(
                7,
                move |n| {
                    by_json.set(by_json.get() + 1);
                    json!({ "n": n })
                },
                move |n| {
                    by_text.set(by_text.get() + 10);
                    format!("{n} of them")
                },
            )
        };
        assert_eq!(
            printed(answer(json_made.clone(), text_made.clone()), true).await,
            "{\n  \"n\": 7\n}\n"
        );
        assert_eq!(made.get(), 1);
        assert_eq!(printed(answer(json_made, text_made), false).await, "7 of them\n");
        assert_eq!(made.get(), 11);
    }

    /// Answers were collected before the first of them was printed.
    #[tokio::test]
    async fn a_piece_is_printed_before_the_next_is_made() {
        let (mut out, made) = (Vec::new(), Rc::new(Cell::new(0)));
        let pieces = stream::iter(0..3).map(move |n| {
            made.set(made.get() + 1);
            if n < 2 {
                Ok(format!("{n}\n"))
            } else {
                Err(format!("{} were made", made.get()).into())
            }
        });
        let answer = Answer::array(stream::empty(), pieces);
        let fault = answer.print(false, &mut out).await.unwrap_err();
        assert_eq!((fault.to_string().as_str(), out), ("3 were made", b"0\n1\n".to_vec()));
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_after_the_answer() {
        let mut out = Vec::new();
        let answer = Answer::of((), |()| json!({}), |()| "looked".into());
        let fault = answer.with_fault(Some("broken".into())).print(false, &mut out).await;
        assert_eq!(
            (fault.unwrap_err().to_string().as_str(), out),
            ("broken", b"looked\n".to_vec())
        );
    }
}
