import { testContract } from "@coord/testkit";
import { postgresSubject } from "./subject.js";

testContract(postgresSubject(undefined));
