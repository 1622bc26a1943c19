//! What is said through `tracing`.
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What was said, with its level.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, "{value:?}");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Heard {
    /// All that `run` says on this thread.
    pub fn of(run: impl FnOnce(&Self)) -> Vec<(Level, String)> {
        let heard = Self::default();
        tracing::subscriber::with_default(heard.clone(), || run(&heard));
        heard.so_far()
    }

    /// All that was said until now.
    ///
    /// # Panics
    /// If a listener panicked.
    pub fn so_far(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap().clone()
    }
}
