(* SPDX-License-Identifier: LGPL-2.1-or-later
   See the program ocaml. *)
let () =
  let uri = Sys.argv.(1) in
  let connection = Libvirt.Connect.connect ~name:uri () in
  let seen = Libvirt.Connect.get_uri connection in
  Printf.printf "connected to %s\n" seen;
  let scheme text = String.sub text 0 (String.index text ':') in
  assert (scheme seen = scheme uri);
  Libvirt.Connect.close connection
