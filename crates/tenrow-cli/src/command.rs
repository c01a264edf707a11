//! What a command is, and how it is found by its name.

use clap::{ArgMatches, Args};
use futures::future::LocalBoxFuture;

use crate::answer::Answer;
use crate::fault::Result;
use crate::stores::Stores;

/// A command: its arguments, with its help, and what it answers.
pub(crate) trait Command: Args {
    /// Whether it takes Ctrl-C for itself.
    const TAKES_INTERRUPTS: bool = false;

    /// Does it.
    async fn run(self, stores: &Stores) -> Result<Answer>;
}

/// A heading of help, and the commands below it.
pub(crate) struct Group {
    pub(crate) heading: &'static str,
    pub(crate) commands: &'static [Entry],
}

/// A command in the table of them.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) takes_interrupts: bool,
    augment: fn(clap::Command) -> clap::Command,
    run: for<'a> fn(&'a ArgMatches, &'a Stores) -> LocalBoxFuture<'a, Result<Answer>>,
}

/// The entry of a command that is called `name`.
pub(crate) const fn entry<C: Command>(name: &'static str) -> Entry {
    Entry { name, takes_interrupts: C::TAKES_INTERRUPTS, augment: C::augment_args, run: run::<C> }
}

fn run<'a, C: Command>(
    matches: &'a ArgMatches,
    stores: &'a Stores,
) -> LocalBoxFuture<'a, Result<Answer>> {
    Box::pin(async move {
        let command = C::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
        command.run(stores).await
    })
}

impl Entry {
    /// Its name, its arguments and its help.
    pub(crate) fn usage(&self) -> clap::Command {
        (self.augment)(clap::Command::new(self.name))
    }

    /// Runs it with the arguments that were given.
    pub(crate) async fn run(&self, matches: &ArgMatches, stores: &Stores) -> Result<Answer> {
        (self.run)(matches, stores).await
    }
}
