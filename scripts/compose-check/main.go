// Reads a Compose file as Docker Compose does, with the module that Docker Compose is made of: the published schema, variables, merges,
// and whether what a service names (networks, volumes, other services) exists. Prints the services, or what is wrong.
//
//	go run . ../../docker-compose.yml
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: compose-check FILE")
	}
	// No environment and no .env file: the file has to stand by itself.
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithProfiles([]string{"*"}))
	if err != nil {
		fail(err.Error())
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(strings.Join(project.ServiceNames(), " "))
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
