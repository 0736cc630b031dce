// Reads a Compose file as Docker Compose does, with the module that Docker Compose is made of: the published schema, variables, merges,
// and whether what a service names (networks, volumes, other services) exists; and each Dockerfile that it builds from as BuildKit does,
// with the stage that is asked for. Prints the services, or what is wrong.
//
//	go run . ../../docker-compose.yml
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
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
	for _, service := range project.Services {
		if service.Build == nil {
			continue
		}
		file := filepath.Join(service.Build.Context, service.Build.Dockerfile)
		if err := checkDockerfile(file, service.Build.Target); err != nil {
			fail(fmt.Sprintf("services.%s.build: %s: %s", service.Name, file, err))
		}
	}
	fmt.Println(strings.Join(project.ServiceNames(), " "))
}

func checkDockerfile(path string, target string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return err
	}
	if _, found := instructions.HasStage(stages, target); target != "" && !found {
		return fmt.Errorf("there is no stage %q", target)
	}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			copying, is := command.(*instructions.CopyCommand)
			if !is || copying.From == "" {
				continue
			}
			if _, found := instructions.HasStage(stages, copying.From); !found {
				return fmt.Errorf("COPY from %q, which is no stage", copying.From)
			}
		}
	}
	return nil
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
