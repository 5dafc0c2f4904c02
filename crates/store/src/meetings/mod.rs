//! Series, their occurrences and registrants; instances; who was there.

mod attendance;
mod instances;
mod list;
mod registrants;
mod series;

#[cfg(test)]
pub(crate) use attendance::STATEMENTS as ATTENDANCE_STATEMENTS;
#[cfg(test)]
pub(crate) use instances::STATEMENTS as INSTANCE_STATEMENTS;
#[cfg(test)]
pub(crate) use list::STATEMENTS as LIST_STATEMENTS;
#[cfg(test)]
pub(crate) use registrants::STATEMENTS as REGISTRANT_STATEMENTS;
#[cfg(test)]
pub(crate) use series::STATEMENTS as SERIES_STATEMENTS;
