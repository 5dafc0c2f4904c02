//! Schedules, the sagas that make and change them, what those did outside, and when people are taken.

mod bookings;
mod rows;
mod sagas;

pub use sagas::SagaClaim;

#[cfg(test)]
pub(crate) use bookings::STATEMENTS as BOOKING_STATEMENTS;
#[cfg(test)]
pub(crate) use bookings::bulk_statements;
#[cfg(test)]
pub(crate) use rows::STATEMENTS as SCHEDULE_STATEMENTS;
#[cfg(test)]
pub(crate) use sagas::STATEMENTS as SAGA_STATEMENTS;
