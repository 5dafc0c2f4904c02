//! Recordings, their files, the blobs we keep, and the states of what is to be had.

mod artefacts;
mod recordings;

#[cfg(test)]
pub(crate) use artefacts::STATEMENTS as ARTEFACT_STATEMENTS;
#[cfg(test)]
pub(crate) use recordings::STATEMENTS as RECORDING_STATEMENTS;
