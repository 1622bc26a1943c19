//! The precision rules of [`amp`](crate::amp): a page for each, named as in `allow(..)` and `deny(..)`.
amp_macros::__rule_docs!();
