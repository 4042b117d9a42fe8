import { z } from "zod";
import { defineRoute, type Route } from "../route.ts";
import { DOCUMENT_URL } from "../unknown-route.ts";
import { BLOB_ROUTES } from "./blobs.ts";
import { EDGE_ROUTES } from "./edge.ts";
import { EVENT_ROUTES } from "./events.ts";
import { JOB_ROUTES } from "./jobs.ts";
import { LEDGER_ROUTES } from "./ledger.ts";
import { LIST_ROUTES } from "./lists.ts";
import { NETWORK_ROUTES } from "./network.ts";
import { POOL_ROUTES } from "./pool.ts";
import { TRANSACTION_ROUTES } from "./transactions.ts";

const DOCUMENT = defineRoute({
  id: "getDocument",
  method: "GET",
  url: DOCUMENT_URL,
  tag: "network",
  summary: "This document",
  answers: { 200: { doc: "OpenAPI 3.1.", json: z.looseObject({ openapi: z.string() }) } },
  handle: ({ request, reply }) => reply.send(request.server.swagger()),
});

/** Every route of the gateway. */
export const ROUTES: readonly Route[] = [
  ...NETWORK_ROUTES,
  DOCUMENT,
  ...LEDGER_ROUTES,
  ...LIST_ROUTES,
  ...TRANSACTION_ROUTES,
  ...JOB_ROUTES,
  ...POOL_ROUTES,
  ...BLOB_ROUTES,
  ...EVENT_ROUTES,
  ...EDGE_ROUTES,
];
