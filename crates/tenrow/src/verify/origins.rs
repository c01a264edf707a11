//! Other datasets whose files this one names: the version is there, and they know that it must stay.

use crate::clones::note_of;
use crate::dataset::Dataset;
use crate::format::layout::ObjectKind;
use crate::format::manifest::OriginRef;
use crate::verify::check::Check;

pub(super) async fn check(check: &mut Check) {
    let (path, snapshot) = (check.root_path(), check.snapshot.clone());
    for (name, origin) in &snapshot.root().origins {
        // One in the middle of a chain may be gone, if nothing of it is needed.
        let needed = check.needed.contains(name);
        let Some(storage) = snapshot.storage().origin(name).filter(|_| needed) else { continue };
        let dataset = Dataset::at(storage.clone());
        let own = Dataset::at(snapshot.storage().clone());
        let found = match dataset.version(origin.version).await {
            Ok(_) => check_note(&own, &dataset, note_of(name, origin), origin).await,
            Err(error) => Err(error.chain()),
        };
        if let Err(reason) = found {
            let (location, version) = (&origin.location, origin.version);
            let what = format!("origin {name:?}, version {version} of {location:?}: {reason}");
            check.note(&path, None, what);
        }
    }
}

/// The note by which the other dataset keeps the version.
async fn check_note(
    own: &Dataset,
    dataset: &Dataset,
    name: &str,
    origin: &OriginRef,
) -> Result<(), String> {
    let clones = dataset.clones().await.map_err(|error| error.chain())?;
    match clones.iter().find(|clone| clone.name == name) {
        Some(note) if note.version == origin.version => {
            let place = dataset.storage().open_origin(&note.location);
            let place = place.map_err(|error| error.chain())?;
            match place.is_same_place(own.storage()) {
                true => Ok(()),
                false => Err(format!(
                    "the note there keeps it for {place}, not for this one, which was moved or copied: its files may be vacuumed once that needs them no more; put this one back, or copy it with `tenrow clone --copy`"
                )),
            }
        }
        Some(note) => Err(format!(
            "the note there keeps version {}, expected {}",
            note.version, origin.version
        )),
        None => Err(format!(
            "nothing there keeps it: `{}` is missing, so its files may be vacuumed any time",
            ObjectKind::CloneNote.path(name)
        )),
    }
}
