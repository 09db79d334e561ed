import { render } from "preact";
import { Session } from "./live/session";
import { initialState } from "./live/state";
import { Store } from "./live/store";
import { Histories } from "./model/history";
import { parseRoute } from "./model/route";
import { App } from "./ui/App";
import "./styles.css";

const now = () => Date.now();
const store = new Store(initialState(parseRoute(location.hash).window ?? "targets", now()), {
  now,
  requestFrame: (run) => requestAnimationFrame(run),
});
const histories = new Histories();
const session = new Session(store, histories, {
  now,
  random: Math.random,
  fetch: (input, init) => fetch(input, init),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as number),
});

addEventListener("online", () => session.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) session.hurry();
});

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
render(<App store={store} session={session} histories={histories} />, root);
void session.start();
