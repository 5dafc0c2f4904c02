// Zoom's own receiver (@zoom/rivet): checks the signature, answers, hands the event to a listener. It stores nothing.
import { MeetingsS2SAuthClient } from "@zoom/rivet/meetings";

const receiver = new MeetingsS2SAuthClient({
  clientId: "bench", clientSecret: "bench", accountId: "bench", webhooksSecretToken: process.env.SECRET, port: 0,
});
let seen = 0;
receiver.webEventConsumer.event("meeting.participant_joined", () => { seen += 1; });
const server = await receiver.start();
console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}` }));
