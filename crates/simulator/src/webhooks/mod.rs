//! Webhooks: subscriptions with their challenge, signed deliveries on Zoom's retry schedule, and the payloads.

mod deliver;
mod hub;
pub mod payload;
mod queue;
mod schedule;
mod send;
mod types;

pub use hub::{Hub, HubOptions};
pub use schedule::{RETRIES_MINUTES, REVALIDATION_HOURS, needs_plan};
pub use send::{encrypted_token, signature};
pub use types::{
    Attempt, Delivery, DeliveryState, Event, HubError, Knobs, NewSubscription, Subscription,
};
