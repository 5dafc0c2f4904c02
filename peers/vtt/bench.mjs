// Parses one file again and again with one of the parsers; prints bytes, cues and seconds of the best round as JSON.
import { readFileSync } from "node:fs";
import { argv, hrtime } from "node:process";

const [, , parser, file, rounds] = argv;
const text = readFileSync(file, "utf8");

const parsers = {
  "node-webvtt": async () => {
    const { default: webvtt } = await import("node-webvtt");
    return () => webvtt.parse(text, { strict: false }).cues.length;
  },
  subtitle: async () => {
    const { default: subtitle } = await import("subtitle");
    return () => subtitle.parseSync(text).filter((node) => node.type === "cue").length;
  },
};

const parse = await parsers[parser]();
let best = Infinity;
let cues = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  const began = hrtime.bigint();
  cues = parse();
  best = Math.min(best, Number(hrtime.bigint() - began) / 1e9);
}
console.log(JSON.stringify({ bytes: Buffer.byteLength(text), cues, seconds: best }));
