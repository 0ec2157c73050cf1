// Fastify and pg as their own pages show them: no session, no signature, no limits, no schema.
const fastify = require("fastify")();
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
fastify.get("/healthz", (_, reply) => reply.send({ status: "ok" }));
fastify.get("/user/:uid/profile", async (request, reply) => {
  const { rows: [row] } = await pool.query(process.env.PROFILE_SQL, [request.params.uid, 1]);
  return row ? { status: 1, message: "Success", result: row } : reply.code(404).send();
});
fastify.listen({ host: process.env.HOST, port: Number(process.env.PORT) });
