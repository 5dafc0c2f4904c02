//! Tests of the engine against the simulated Zoom account, on SQLite and, where one is given, on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a test says aloud what it skips")]

mod actions;
mod activate;
mod brevo;
mod calendars;
mod components;
mod components_actions;
mod components_reach;
mod core_app;
mod core_budget;
mod core_connections;
mod core_connections_life;
mod core_connections_user;
mod core_support;
mod core_vault;
mod core_webhooks;
mod models;
mod models_adversarial;
mod models_ask;
mod models_double;
mod models_kept;
mod models_meaning;
mod notify;
mod refresh_model;
mod refresh_processes;
mod refresh_rows;
mod schedule;
mod talk;
mod understand;
mod work_backfill;
mod work_compare;
mod work_door;
mod work_live;
mod work_order;
mod work_reach;
mod work_stage;
mod work_stop;
