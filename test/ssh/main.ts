// A real ssh server on loopback: the parity table through it, its limits and refusals, and connections that break at random moments.
import "./parity.js";
import "./calls.js";
import "./kills.js";
