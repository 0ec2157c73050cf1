// Express and pg as their own pages show them: no session, no signature, no limits, no schema.
const app = require("express")();
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
app.get("/healthz", (_, response) => response.json({ status: "ok" }));
app.get("/user/:uid/profile", async (request, response) => {
  const { rows: [row] } = await pool.query(process.env.PROFILE_SQL, [request.params.uid, 1]);
  if (row) response.json({ status: 1, message: "Success", result: row });
  else response.sendStatus(404);
});
app.listen(Number(process.env.PORT), process.env.HOST);
