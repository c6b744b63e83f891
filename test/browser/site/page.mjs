// The page's program in the browser: shows the message, echoes over a WebSocket, and loads the page again when its server says that a file changed.
const show = (id, text) => (document.getElementById(id).textContent = text);

show("message", await (await fetch("/message.txt")).text());

const socket = new WebSocket(`ws://${location.host}/echo`);
socket.addEventListener("open", () => socket.send("x".repeat(10_000) + "end"));
socket.addEventListener("message", ({ data }) => show("echo", `${data.length} characters, ${data.slice(-3)}`));

const events = new EventSource("/events");
events.addEventListener("tick", ({ data }) => show("events", data));
events.addEventListener("changed", () => location.reload());
