//! Reading values by key: who reads a value says what it must be, and whatever is not is noted with its path.
use super::node::Node;
use super::problem::{Problem, nearest};
use std::cell::RefCell;
use std::collections::HashSet;

/// Reads a whole document.
pub(super) fn read<T>(document: &Node, read: impl FnOnce(&Field) -> Option<T>) -> Result<T, Vec<Problem>> {
    let problems = RefCell::new(Vec::new());
    let value = read(&Field { key: String::new(), node: document, problems: &problems });
    let problems = problems.into_inner();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(problems),
    }
}

/// A value and where it stands. Where a reader gets none from it the reason is noted, and it goes on with a default, so
/// that all problems of a document are found.
#[derive(Clone)]
pub(super) struct Field<'a> {
    key: String,
    node: &'a Node,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<'a> Field<'a> {
    fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Notes that the value is of another type, and gives none.
    pub(super) fn wants<T>(&self, wants: &str) -> Option<T> {
        self.note(Problem::WrongType {
            key: self.key.clone(),
            found: self.node.to_string(),
            wants: wants.to_owned(),
        });
        None
    }

    /// Notes that the value is of the right type and out of range, and gives none.
    pub(super) fn invalid<T>(&self, wants: &str) -> Option<T> {
        self.note(Problem::InvalidValue {
            key: self.key.clone(),
            value: self.node.to_string(),
            wants: wants.to_owned(),
        });
        None
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.node, Node::Table(_))
    }

    /// The text, if it is one; notes nothing.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        if let Node::Text(text) = self.node { Some(text) } else { None }
    }

    /// The number, if it is one; notes nothing.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a number in a configuration may be written as an integer"
    )]
    pub(super) fn as_number(&self) -> Option<f64> {
        match self.node {
            Node::Integer(integer) => Some(*integer as f64),
            Node::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        let Some(number) = self.as_number() else { return self.wants("a number") };
        if number.is_finite() { Some(number) } else { self.invalid("finite") }
    }

    /// A number that may be infinite, which JSON can only write as a string.
    pub(super) fn number_or_inf(&self) -> Option<f64> {
        if self.as_text() == Some("inf") {
            return Some(f64::INFINITY);
        }
        self.as_number().or_else(|| self.wants("a number or \"inf\""))
    }

    /// A finite number of 0 or more.
    pub(super) fn multiplier(&self) -> Option<f64> {
        let number = self.number()?;
        if number >= 0. { Some(number) } else { self.invalid("0 or more") }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        if let Node::Flag(flag) = self.node { Some(*flag) } else { self.wants("true or false") }
    }

    pub(super) fn integer<T: TryFrom<i128>>(&self, least: i128) -> Option<T> {
        let Node::Integer(integer) = *self.node else { return self.wants("an integer") };
        if integer < least {
            return self.invalid(&format!("{least} or more"));
        }
        T::try_from(integer).ok().or_else(|| self.invalid("smaller"))
    }

    /// One of a few words, and what stands for it.
    pub(super) fn word<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let Some(word) = self.as_text() else { return self.wants("a string") };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*choice);
        }
        let known: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let nearest = nearest(word, &known);
        self.note(Problem::UnknownWord { key: self.key.clone(), word: word.to_owned(), nearest, known });
        None
    }

    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let Node::List(items) = self.node else { return self.wants("a list") };
        let at =
            |(index, node)| Self { key: format!("{}[{index}]", self.key), node, problems: self.problems };
        Some(items.iter().enumerate().map(at).collect())
    }

    /// Every entry of a table whose keys are the user's own.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Self)>> {
        let Node::Table(entries) = self.node else { return self.wants("a table") };
        let mut seen = HashSet::new();
        for (name, _) in entries {
            if !seen.insert(name) {
                self.note(Problem::DuplicateKey { key: self.path(name) });
            }
        }
        Some(entries.iter().map(|(name, node)| (name.as_str(), self.child(name, node))).collect())
    }

    /// A table whose keys are those that `read` asks for; all others are noted as unknown.
    pub(super) fn table<T>(&self, read: impl FnOnce(&mut Table<'a>) -> Option<T>) -> Option<T> {
        let problems_before = self.problems.borrow().len();
        let rest = self.entries()?;
        let mut table = Table { field: self.clone(), rest, known: Vec::new(), problems_before };
        let value = read(&mut table);
        table.note_rest();
        value
    }

    fn path(&self, name: &str) -> String {
        let is_plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let name = if is_plain { name.to_owned() } else { format!("{name:?}") };
        if self.key.is_empty() { name } else { format!("{}.{name}", self.key) }
    }

    fn child(&self, name: &str, node: &'a Node) -> Self {
        Self { key: self.path(name), node, problems: self.problems }
    }
}

/// A table whose keys are taken out one after the other.
pub(super) struct Table<'a> {
    field: Field<'a>,
    rest: Vec<(&'a str, Field<'a>)>,
    known: Vec<&'static str>,
    problems_before: usize,
}

impl<'a> Table<'a> {
    /// The value of a key, if it is there.
    pub(super) fn field(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        self.take(key)
    }

    /// The value of a key that may be null, MMEngine's `None`, which is as good as absent.
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.field(key).filter(|field| !matches!(field.node, Node::Null))
    }

    /// The value of a key that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Option<Field<'a>> {
        let field = self.field(key);
        if field.is_none() {
            self.note(Problem::MissingKey { key: self.field.path(key) });
        }
        field
    }

    pub(super) fn number(&mut self, key: &'static str, default: f64) -> f64 {
        self.field(key).and_then(|field| field.number()).unwrap_or(default)
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.field(key).and_then(|field| field.flag()).unwrap_or(default)
    }

    pub(super) fn integer<T: TryFrom<i128>>(&mut self, key: &'static str, least: i128, default: T) -> T {
        self.field(key).and_then(|field| field.integer(least)).unwrap_or(default)
    }

    /// Refuses a key that means something, only not here; says whether it is there.
    pub(super) fn refuse(&mut self, key: &'static str, note: &'static str, help: &'static str) -> bool {
        let is_there = self.take(key).is_some();
        if is_there {
            self.note(Problem::Unsupported { key: self.field.path(key), note, help });
        }
        is_there
    }

    /// Notes what the table holds besides, if it looks like a misspelt key, and leaves all else to others.
    pub(super) fn refuse_typos(&mut self) {
        for (name, field) in &self.rest {
            if let Some(near) = nearest(name, &self.known).filter(|near| strsim::levenshtein(name, near) <= 2)
            {
                let known = self.known.clone();
                self.note(Problem::UnknownKey { key: field.key.clone(), nearest: Some(near), known });
            }
        }
        self.ignore_rest();
    }

    /// Accepts whatever else the table holds.
    pub(super) fn ignore_rest(&mut self) {
        self.rest.clear();
    }

    /// Notes a value that a check of the whole table does not let pass; `name` may lead into it, as `betas[0]` does.
    pub(super) fn note_invalid(&self, name: &str, value: &impl ToString, wants: &str) {
        let key =
            if self.field.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field.key) };
        self.note(Problem::InvalidValue { key, value: value.to_string(), wants: wants.to_owned() });
    }

    pub(super) fn note_missing(&self, name: &str) {
        self.note(Problem::MissingKey { key: self.field.path(name) });
    }

    /// Whether nothing is wrong so far: only then is it worth checking values against each other.
    pub(super) fn is_clean(&self) -> bool {
        self.field.problems.borrow().len() == self.problems_before
    }

    fn note(&self, problem: Problem) {
        self.field.note(problem);
    }

    fn take(&mut self, key: &str) -> Option<Field<'a>> {
        let index = self.rest.iter().position(|(name, _)| *name == key)?;
        let (_, field) = self.rest.remove(index);
        // what is there twice was noted
        self.rest.retain(|(name, _)| *name != key);
        Some(field)
    }

    fn note_rest(&self) {
        for (name, field) in &self.rest {
            let nearest = nearest(name, &self.known);
            self.note(Problem::UnknownKey { key: field.key.clone(), nearest, known: self.known.clone() });
        }
    }
}
