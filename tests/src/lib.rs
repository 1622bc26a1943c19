//! Shared ground of the tests: recorded references.
