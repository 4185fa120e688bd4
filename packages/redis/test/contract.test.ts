import { testContract } from "@coord/testkit";
import { redisSubject } from "./subject.js";

testContract(redisSubject(undefined));
