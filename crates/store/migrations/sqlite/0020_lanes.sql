-- The most urgent job of each lane: a lane with thousands of jobs before all others must not be read through for the others.
CREATE INDEX jobs_lanes ON jobs (kind, lane, priority, run_at, id) WHERE state = 'ready';
