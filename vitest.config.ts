import { defineConfig } from "vitest/config";

// Pure tests share threads without isolation (fifteen times faster); tests with servers get a process each.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["shared/*/src/**/*.test.ts", "services/*/src/**/*.test.ts", "test/contract/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          testTimeout: 60_000,
        },
      },
      { test: { name: "fuzz", include: ["test/fuzz/**/*.test.ts"], pool: "forks", testTimeout: 3_600_000 } },
      { test: { name: "sim", include: ["test/sim/**/*.test.ts"], pool: "forks", testTimeout: 900_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 400_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
