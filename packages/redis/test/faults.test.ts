import { testFaults } from "@coord/testkit";
import { redisSubject } from "./subject.js";

testFaults(redisSubject({ ttl: 1_500, heartbeat: 300 }));
