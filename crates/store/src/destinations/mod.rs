//! Destinations, their streams and their deliveries.

mod deliveries;
mod due;
mod rows;
mod streams;

pub use deliveries::Queued;
pub use due::DELIVERY_TRIES_KEPT;

#[cfg(test)]
pub(crate) use deliveries::STATEMENTS as DELIVERY_STATEMENTS;
#[cfg(test)]
pub(crate) use due::STATEMENTS as DUE_STATEMENTS;
#[cfg(test)]
pub(crate) use rows::STATEMENTS;
#[cfg(test)]
pub(crate) use streams::STATEMENTS as STREAM_STATEMENTS;
