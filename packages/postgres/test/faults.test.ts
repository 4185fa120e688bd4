import { testFaults } from "@coord/testkit";
import { postgresSubject } from "./subject.js";

testFaults(postgresSubject({ ttl: 1_500, heartbeat: 300 }));
