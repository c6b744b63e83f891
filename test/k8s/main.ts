// A real Kubernetes of two nodes, which scripts/test-k8s.sh starts: tasks as pods, every door, many tasks, what goes wrong, and a lost node.
import "./works.js";
import "./doors.js";
import "./pool.js";
import "./many.js";
import "./costs.js";
import "./trouble.js";
import "./node-lost.js";
