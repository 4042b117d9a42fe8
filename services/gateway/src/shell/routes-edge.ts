import type { FastifyInstance } from "fastify";
import type { GatewayContext } from "./context.ts";
export function edgeRoutes(_app: FastifyInstance, _context: GatewayContext): void {}
