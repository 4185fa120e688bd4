import { testContract } from "@coord/testkit";
import { etcdSubject } from "./subject.js";

testContract(etcdSubject(undefined));
